"""Filters of flows and runs."""

import django_filters as filters

from automations.models import Flow, Run
from workspaces.api.filters import InstantFilter, WorkspaceFilterSet


class FlowFilters(WorkspaceFilterSet):
    """By switch and trigger."""

    is_on = filters.BooleanFilter()
    trigger = filters.CharFilter(field_name="published__trigger_type")

    class Meta:
        model = Flow
        fields: tuple[str, ...] = ()


class RunFilters(WorkspaceFilterSet):
    """By flow, state, contact, error and time."""

    flow = filters.UUIDFilter(field_name="flow__public_id")
    status = filters.ChoiceFilter(choices=Run.Status.choices)
    contact = filters.UUIDFilter(field_name="contact__public_id")
    error_code = filters.CharFilter()
    since = InstantFilter(field_name="started_at", lookup_expr="gte")
    until = InstantFilter(field_name="started_at", lookup_expr="lt")

    class Meta:
        model = Run
        fields: tuple[str, ...] = ()
