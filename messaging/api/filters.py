"""Filters of messages, senders and templates."""

import django_filters as filters

from messaging.models import Message, Sender, Template
from workspaces.api.filters import InstantFilter, WorkspaceFilterSet


class MessageFilters(WorkspaceFilterSet):
    """By state, direction, sender, contact, conversation and time."""

    status = filters.ChoiceFilter(choices=Message.Status.choices)
    direction = filters.ChoiceFilter(choices=Message.Direction.choices)
    sender = filters.UUIDFilter(field_name="sender__public_id")
    contact = filters.UUIDFilter(field_name="chat__contact__public_id")
    conversation = filters.UUIDFilter(field_name="conversation__public_id")
    since = InstantFilter(field_name="occurred_at", lookup_expr="gte")
    until = InstantFilter(field_name="occurred_at", lookup_expr="lt")

    class Meta:
        model = Message
        fields: tuple[str, ...] = ()


class SenderFilters(WorkspaceFilterSet):
    """By number."""

    class Meta:
        model = Sender
        fields = ("phone",)


class TemplateFilters(WorkspaceFilterSet):
    """By name, language, state, category and quality."""

    status = filters.ChoiceFilter(choices=Template.Status.choices)
    category = filters.ChoiceFilter(choices=Template.Category.choices)
    quality = filters.ChoiceFilter(choices=Sender.Quality.choices)

    class Meta:
        model = Template
        fields = ("name", "language")
