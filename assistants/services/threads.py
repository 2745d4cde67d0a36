"""Reads of threads: what an assistant remembers, and what pages show."""

from datetime import datetime, time, timedelta

from django.db.models import QuerySet, Sum
from django.utils import timezone

from assistants.models import Thread, Turn
from workspaces.models import Workspace


def recent_turns(thread: Thread, *, before: Turn, limit: int) -> list[Turn]:
    """The customer's turns before this one, oldest first, with their answers; at most `limit` questions and answers.

    What the customer has taken back since is left out, with what was answered to it.
    """
    asked = thread.turns.filter(role=Turn.Role.CUSTOMER, pk__lt=before.pk, forgotten_at=None)
    rows = asked.select_related("answer").order_by("-pk")
    kept: list[Turn] = []
    said = 0
    for turn in rows[:limit]:
        said += 2 if hasattr(turn, "answer") else 1
        if said > limit:
            break
        kept.append(turn)
    return kept[::-1]


def thread_history(thread: Thread) -> QuerySet[Turn]:
    """All that was said in a thread, in stored order; each answer brings what it answers."""
    return thread.turns.select_related("answers").order_by("pk")


def day_of(workspace: Workspace, now: datetime) -> tuple[datetime, datetime]:
    """Start and end of the workspace's day that `now` falls on."""
    today = now.astimezone(workspace.zone).date()
    start = timezone.make_aware(datetime.combine(today, time.min), workspace.zone)
    end = timezone.make_aware(datetime.combine(today + timedelta(days=1), time.min), workspace.zone)
    return start, end


def tokens_used_today(workspace: Workspace, *, now: datetime) -> int:
    """Tokens of all turns of the workspace's day, failed attempts included."""
    start, end = day_of(workspace, now)
    turns = Turn.objects.in_workspace(workspace).filter(created_at__gte=start, created_at__lt=end)
    sums = turns.aggregate(tokens_in=Sum("prompt_tokens"), tokens_out=Sum("completion_tokens"))
    return (sums["tokens_in"] or 0) + (sums["tokens_out"] or 0)
