"""Events, flows and runs in the API: each call is one service."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from django.db.models import Prefetch, QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin
from rest_framework.request import Request
from rest_framework.response import Response

from automations.api.filters import FlowFilters, RunFilters
from automations.api.serializers import (
    AcceptedEventSerializer,
    EventRequestSerializer,
    FlowSerializer,
    RunDetailSerializer,
    RunSerializer,
    StartedRunSerializer,
    StartRequestSerializer,
)
from automations.models import Event, Flow, Run, StepRun
from automations.services.events import accept_event
from automations.services.runs import cancel_run, resume_now, retry_run, start_manually
from messaging.errors import InvalidPhoneNumber
from messaging.phone import PhoneProblem, parse_e164
from workspaces.api.authentication import key_of
from workspaces.api.idempotency import action_key, acts_once
from workspaces.api.views import WorkspaceViewSet
from workspaces.models import Workspace


class EventViewSet(WorkspaceViewSet):
    """Events of other systems."""

    model = Event
    serializer_class = AcceptedEventSerializer
    required_scopes: ClassVar[dict[str, str]] = {"POST": "events:write"}

    @extend_schema(operation_id="events_send", request=EventRequestSerializer, responses={202: AcceptedEventSerializer})
    @acts_once
    def create(self, request: Request) -> Response:
        """Tell that something happened; the flows that listen to it start."""
        given = EventRequestSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        accepted = accept_event(
            workspace=request.workspace,  # type: ignore[attr-defined]
            name=given.validated_data["event"],
            deduplication_id=given.validated_data["id"],
            data=given.validated_data["data"],
            source="api",
            now=timezone.now(),
        )
        return Response(AcceptedEventSerializer(accepted).data, status=status.HTTP_202_ACCEPTED)


class FlowViewSet(ListModelMixin, RetrieveModelMixin, WorkspaceViewSet):
    """Flows of the workspace."""

    model = Flow
    serializer_class = FlowSerializer
    filterset_class = FlowFilters
    required_scopes: ClassVar[dict[str, str]] = {"GET": "flows:read"}

    def get_queryset(self) -> QuerySet[Flow]:
        return super().get_queryset().select_related("published")


class FlowRunViewSet(WorkspaceViewSet):
    """Starting one flow by hand."""

    model = Flow
    serializer_class = StartedRunSerializer
    required_scopes: ClassVar[dict[str, str]] = {"POST": "flows:write"}

    def get_queryset(self) -> QuerySet[Flow]:
        return super().get_queryset().select_related("published", "workspace")

    @extend_schema(operation_id="flows_start", request=StartRequestSerializer, responses={201: StartedRunSerializer})
    @acts_once
    def create(self, request: Request, id: UUID) -> Response:
        """Start the published version with this input."""
        flow: Flow = self.get_object()
        given = StartRequestSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        run, was_created = start_manually(
            flow=flow,
            data=given.validated_data["data"],
            key=action_key(request),
            by=key_of(request),
            now=timezone.now(),
            only_recipient=_recipient(given.validated_data["only_recipient"], flow.workspace),
        )
        run.created = was_created  # type: ignore[attr-defined]
        return Response(StartedRunSerializer(run).data, status=status.HTTP_201_CREATED)


class RunViewSet(ListModelMixin, RetrieveModelMixin, WorkspaceViewSet):
    """Runs of the workspace."""

    model = Run
    serializer_class = RunSerializer
    filterset_class = RunFilters
    required_scopes: ClassVar[dict[str, str]] = {"GET": "runs:read", "POST": "runs:write"}

    def get_queryset(self) -> QuerySet[Run]:
        rows = super().get_queryset().select_related("workspace", "flow", "version", "contact", "conversation")
        if self.action != "retrieve" or getattr(self, "swagger_fake_view", False):
            return rows
        workspace = self.request.workspace  # type: ignore[attr-defined]
        return rows.prefetch_related(
            Prefetch("step_runs", queryset=StepRun.objects.in_workspace(workspace).order_by("id"))
        )

    def get_serializer_class(self) -> type[RunSerializer]:
        return RunDetailSerializer if self.action == "retrieve" else RunSerializer

    @extend_schema(operation_id="runs_retry", request=None, responses={200: RunSerializer})
    @acts_once
    def retry(self, request: Request, id: UUID) -> Response:
        """Go on from the step that failed, with a new attempt."""
        return self._act(retry_run, request)

    @extend_schema(operation_id="runs_cancel", request=None, responses={200: RunSerializer})
    @acts_once
    def cancel(self, request: Request, id: UUID) -> Response:
        """End the run here."""
        return self._act(cancel_run, request)

    @extend_schema(operation_id="runs_resume", request=None, responses={200: RunSerializer})
    @acts_once
    def resume(self, request: Request, id: UUID) -> Response:
        """Let the run's wait be over now."""
        return self._act(resume_now, request)

    def _act(self, verb: Callable[..., Run], request: Request) -> Response:
        now: datetime = timezone.now()
        run: Any = self.get_object()
        return Response(RunSerializer(verb(run=run, by=key_of(request), now=now)).data)


def _recipient(given: str, workspace: Workspace) -> str:
    """The only recipient of a test. Raises InvalidPhoneNumber."""
    if not given:
        return ""
    try:
        return parse_e164(given, region=workspace.region)
    except PhoneProblem as problem:
        raise InvalidPhoneNumber.of(problem, field="only_recipient") from None
