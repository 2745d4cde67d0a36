"""Call another system over HTTP; guarded against private addresses, bounded in size and time."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from automations.actions.base import Action, Effect, Group, StepContext
from automations.actions.registry import register
from automations.engine.results import Done, Suspend
from automations.errors import HttpFailed
from automations.forms.fields import LiquidField, MappingField, StepForm
from workspaces.errors import BotenwerkError
from workspaces.http import (
    AddressForbidden,
    AnswerLost,
    AnswerTooLarge,
    ConnectFailed,
    FetchedResponse,
    TimedOut,
    TooManyRedirects,
    fetch,
)
from workspaces.models import Workspace

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
REPEATABLE = frozenset({"GET", "PUT", "DELETE"})
HIDDEN_HEADERS = ("authorization", "cookie", "api-key", "apikey", "token", "secret")
ANSWER_LIMIT = 2_000_000
KEPT_TEXT = 20_000


class HttpRequestForm(StepForm):
    """Method, address, headers, body, limits."""

    method = forms.ChoiceField(label=_("Method"), choices=[(name, name) for name in METHODS], initial="POST")
    url = LiquidField(label=_("Address"), max_length=2000, help_text=_("Begins with https://"))
    headers = MappingField(label=_("Headers"), required=False, keeps_type=False)
    body_kind = forms.ChoiceField(
        label=_("Body"),
        choices=[("none", _("none")), ("json", "JSON"), ("fields", _("JSON from fields")), ("form", _("form"))],
        initial="fields",
    )
    body = LiquidField(label=_("JSON"), multiline=True, required=False)
    payload = MappingField(label=_("Fields"), required=False)
    timeout_seconds = forms.IntegerField(label=_("Seconds to wait"), min_value=1, max_value=30, initial=10)
    safe_to_repeat = forms.BooleanField(
        label=_("May be repeated"),
        required=False,
        help_text=_("The other system takes the same call twice without harm; every call carries an Idempotency-Key."),
    )


@register("http_request")
class HttpRequest(Action):
    """The answer is the output; anything but 2xx is `http_failed`."""

    label = _("HTTP request")
    icon = "webhook"
    group = Group.OUTSIDE
    form = HttpRequestForm
    effect = Effect.OUTSIDE
    is_idempotent = False
    timeout_seconds = 30
    output = {"status": 200, "json": {}, "text": "…", "headers": {"content-type": "application/json"}}
    synonyms = (gettext_noop("webhook"), gettext_noop("API"), gettext_noop("CRM"))

    def sentence(self, config: Mapping[str, Any], workspace: Workspace) -> str:
        host = urlsplit(str(config.get("url") or "")).netloc or "…"
        return str(_("Calls %(host)s")) % {"host": host}

    def is_safe_to_repeat(self, config: Mapping[str, Any]) -> bool:
        return config.get("method") in REPEATABLE or bool(config.get("safe_to_repeat"))

    def answer_lost(self, config: Mapping[str, Any], step_name: str) -> BotenwerkError:
        return _failed(config, "answer_lost")

    def shown_input(self, config: Mapping[str, Any]) -> dict[str, Any]:
        hidden = {
            name: "•••" if any(word in name.lower() for word in HIDDEN_HEADERS) else value
            for name, value in (config.get("headers") or {}).items()
        }
        return {**config, "headers": hidden}

    def run(self, step: StepContext) -> Done | Suspend:
        if step.is_dry:
            return Done(dict(self.output), notes=("dry_run",))
        config = step.config
        headers, content = _body(config)
        headers |= {str(name): str(value) for name, value in (config.get("headers") or {}).items()}
        headers["Idempotency-Key"] = step.stable_key
        try:
            answer = fetch(
                config["method"],
                str(config["url"]).strip(),
                headers=headers,
                content=content,
                timeout_seconds=float(config.get("timeout_seconds") or 10),
                max_bytes=ANSWER_LIMIT,
                max_redirects=5 if config["method"] == "GET" else 0,
                allow=frozenset(settings.HTTP_STEP_HOSTS_ALLOWED),
            )
        except AddressForbidden:
            raise _failed(config, "private") from None
        except AnswerTooLarge:
            raise _failed(config, "too_large") from None
        except TooManyRedirects:
            raise _failed(config, "redirects") from None
        except ConnectFailed:
            raise _failed(config, "no_connection", is_retryable=True) from None
        except TimedOut as error:
            retryable = not error.sent or self.is_safe_to_repeat(config)
            raise _failed(config, "no_answer", is_retryable=retryable) from None
        except AnswerLost:
            if self.is_safe_to_repeat(config):
                raise _failed(config, "broke_off", is_retryable=True) from None
            raise self.answer_lost(config, step.step_name) from None
        return _done(config, answer)


def _done(config: Mapping[str, Any], answer: FetchedResponse) -> Done:
    if not 200 <= answer.status < 300:
        transient = answer.status in (408, 425, 429, 500, 502, 503, 504)
        repeatable = config.get("method") in REPEATABLE or bool(config.get("safe_to_repeat"))
        # 429 and 503 say that nothing was done; what 500, 502 and 504 have done is not known.
        retryable = answer.status in (429, 503) or (transient and repeatable)
        raise _failed(config, "status", is_retryable=retryable, status=answer.status)
    try:
        parsed = json.loads(answer.text) if answer.text.strip() else None
    except ValueError:
        parsed = None
    output = {
        "status": answer.status,
        "json": parsed,
        "text": answer.text[:KEPT_TEXT],
        "headers": {name.lower(): value for name, value in dict(answer.headers).items()},
    }
    return Done(output)


def _body(config: Mapping[str, Any]) -> tuple[dict[str, str], bytes | None]:
    kind = config.get("body_kind")
    if config["method"] == "GET" or kind in (None, "none"):
        return {}, None
    if kind == "form":
        pairs = {name: "" if value is None else str(value) for name, value in (config.get("payload") or {}).items()}
        return {"Content-Type": "application/x-www-form-urlencoded"}, urlencode(pairs).encode()
    if kind == "fields":
        return {"Content-Type": "application/json"}, json.dumps(config.get("payload") or {}).encode()
    text = str(config.get("body") or "")
    try:
        json.loads(text)
    except ValueError:
        raise _failed(config, "bad_json") from None
    return {"Content-Type": "application/json"}, text.encode()


def _failed(config: Mapping[str, Any], reason: str, *, is_retryable: bool = False, **facts: Any) -> HttpFailed:
    host = urlsplit(str(config.get("url") or "")).hostname or "?"
    return HttpFailed(
        method=config.get("method"), host=host, reason=reason, is_retryable=is_retryable, field="url", **facts
    )
