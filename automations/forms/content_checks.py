"""Settings of a message against the platform's rules while the flow is built: as far as no data is missing for it."""

from collections.abc import Callable
from typing import Any

from automations.forms.fields import StepForm
from messaging.content_errors import MediaInvalid
from messaging.errors import MessagingError
from messaging.providers.contents import FreeForm
from messaging.services.free_form import free_form_content

EXAMPLE_LINK = "https://example.com/file.pdf"


def is_data(text: Any) -> bool:
    """Whether the text holds data that only a run can know."""
    return isinstance(text, str) and ("{{" in text or "{%" in text)


def fixed(text: Any, *, stand_in: str = "x") -> str:
    """The text as it stands, or a stand-in where it holds data: its real length is checked when it is sent."""
    return stand_in if is_data(text) else str(text or "")


def check_content(form: StepForm, build: Callable[[], FreeForm], fields: dict[str, str]) -> None:
    """Add what the platform would refuse to the form, at its field: `fields` maps places in the content to names."""
    try:
        free_form_content(build())
    except MessagingError as error:
        at = str(error.field or "")
        name = fields.get(at) or fields.get(at.split(".")[0])
        if isinstance(error, MediaInvalid) and "link" in fields:
            name = fields["link"]
        form.add_error(name if name in form.fields else None, error.for_person())
