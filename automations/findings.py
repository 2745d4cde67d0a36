"""What the validator has to say about a draft: one finding, its step, its field, and how bad it is."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from workspaces.errors import Text


class Severity(StrEnum):
    """An error keeps a flow from being published, a warning does not."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True)
class Finding:
    """One thing to settle. `step` is a step's key, or empty for the trigger and the flow itself."""

    code: str
    message: Text
    step: str = ""
    field: str = ""
    severity: Severity = Severity.ERROR

    @property
    def root(self) -> str:
        """The form's field: `variables` of `variables.1`."""
        return self.field.split(".")[0]

    def as_json(self) -> dict[str, Any]:
        """For the API and the pages."""
        return {
            "code": self.code,
            "message": str(self.message),
            "step": self.step,
            "field": self.field,
            "severity": self.severity.value,
        }
