"""The OpenAPI document: problem answers and the Idempotency-Key header are declared here, once for all calls."""

from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter

from workspaces.api.idempotency import HEADER, LONGEST_KEY
from workspaces.api.problems import MEDIA_TYPE
from workspaces.errors import known_codes

PROBLEM: dict[str, Any] = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "code", "cure", "errors"],
    "properties": {
        "type": {"type": "string", "format": "uri", "examples": ["urn:botenwerk:error:outside_window"]},
        "title": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string", "description": "The cause."},
        "code": {"type": "string", "description": "Stable; scripts rely on it."},
        "cure": {"type": "string", "description": "What to do now."},
        "message": {"type": "string", "format": "uuid", "description": "The failed message, where one was kept."},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "code", "detail"],
                "properties": {
                    "field": {"type": "string"},
                    "code": {"type": "string"},
                    "detail": {"type": "string"},
                },
            },
        },
    },
}
ALWAYS = ("400", "401", "403", "404", "405", "406", "422", "429", "500")
ON_POST = ("409", "413", "415", "502", "503")


class WorkspaceSchema(AutoSchema):
    """Names operations after their path and lists the header of calls that act once."""

    def get_override_parameters(self) -> list[Any]:
        return [*super().get_override_parameters(), *self._idempotency_key()]

    def _idempotency_key(self) -> list[Any]:
        handler = getattr(self.view, getattr(self.view, "action", None) or self.method.lower(), None)
        if not getattr(handler, "takes_idempotency_key", False):
            return []
        parameter = OpenApiParameter(
            name=HEADER,
            location=OpenApiParameter.HEADER,
            type={"type": "string", "minLength": 1, "maxLength": LONGEST_KEY},
            description="The same key and body again act once and get the first answer, with `created` false.",
        )
        return [parameter]


def declare_problems(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """Post-processing hook: every call may answer with a problem."""
    schemas = result.setdefault("components", {}).setdefault("schemas", {})
    codes = sorted(known_codes())
    schemas["Problem"] = {**PROBLEM, "properties": {**PROBLEM["properties"]}}
    schemas["Problem"]["properties"]["code"] = {**PROBLEM["properties"]["code"], "examples": codes}
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for path in result["paths"].values():
        for method, operation in path.items():
            statuses = (*ALWAYS, *ON_POST) if method in {"post", "put", "patch", "delete"} else (*ALWAYS, "503")
            for status in statuses:
                operation["responses"].setdefault(status, {"description": "Problem", "content": content})
    return result
