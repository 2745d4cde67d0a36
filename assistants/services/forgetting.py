"""What a customer takes back is left out of every prompt from then on, with what was answered to it."""

from collections.abc import Iterable
from datetime import datetime

from django.db.models import Q

from assistants.models import Turn
from workspaces.models import Workspace

# Shorter words stand in other sentences too: those turns must be exactly what was taken back.
SURELY_THE_SAME = 12


def forget_turns(
    *,
    workspace: Workspace,
    customer_identifiers: Iterable[str],
    texts: Iterable[str],
    key: str = "",
    since: datetime,
    now: datetime,
) -> int:
    """Leave out the turns of these customers that hold one of the texts, and the one of `key`. How many there were.

    `since` is when the text was written: nothing older can hold it.
    """
    same = Q(key=key) if key else Q(pk=None)
    for text in {text.strip() for text in texts}:
        if text:
            holds = Q(content__contains=text) if len(text) >= SURELY_THE_SAME else Q(content=text)
            same |= Q(thread__customer_identifier__in=list(customer_identifiers)) & holds
    rows = Turn.objects.in_workspace(workspace).filter(role=Turn.Role.CUSTOMER, forgotten_at=None)
    found = list(rows.filter(created_at__gte=since).filter(same).values_list("pk", flat=True))
    return rows.filter(pk__in=found).update(forgotten_at=now, updated_at=now)
