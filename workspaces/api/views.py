"""The base of every API view: key, scope, pace, and a queryset that knows only the key's workspace."""

from typing import Any, ClassVar

from django.db.models import QuerySet
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import GenericViewSet

from workspaces.api.authentication import ApiKeyAuthentication
from workspaces.api.filters import WorkspaceFilterBackend, refuse_unknown
from workspaces.api.pagination import NewestFirst
from workspaces.api.permissions import HasScope
from workspaces.api.rate_limit import KeyRateLimit, add_headers
from workspaces.models import ApiKey, Workspace
from workspaces.scope import TenantRow


class ApiRequest(Request):
    """A request that has passed authentication."""

    workspace: Workspace
    api_key: ApiKey
    auth: ApiKey


class WorkspaceAPIView(APIView):
    """Declares `required_scopes` by method, and `query_parameters` beside those of filters and pages."""

    authentication_classes = (ApiKeyAuthentication,)
    permission_classes = (HasScope,)
    throttle_classes = (KeyRateLimit,)
    required_scopes: ClassVar[dict[str, str]] = {}
    query_parameters: ClassVar[tuple[str, ...]] = ()

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        refuse_unknown(request, self)

    def finalize_response(self, request: Any, response: Any, *args: Any, **kwargs: Any) -> Response:
        response = super().finalize_response(request, response, *args, **kwargs)
        if isinstance(request, Request):
            add_headers(response, request)
        return response


class WorkspaceViewSet(WorkspaceAPIView, GenericViewSet):
    """Rows of one `model`, looked up by public id, newest first; another workspace's row is a 404."""

    model: ClassVar[type[TenantRow]]
    lookup_field = "public_id"
    lookup_url_kwarg = "id"
    lookup_value_converter = "uuid"
    pagination_class = NewestFirst
    filter_backends: Any = (WorkspaceFilterBackend,)

    def get_queryset(self) -> QuerySet[Any]:
        """Override to add select_related; begin with super()."""
        if getattr(self, "swagger_fake_view", False):
            return self.model.objects.none()
        return self.model.objects.in_workspace(self.request.workspace)  # type: ignore[attr-defined]
