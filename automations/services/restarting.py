"""Starting again what a run was started with: a new run of what is published now, the old one stays as it was."""

from datetime import datetime

from django.db import transaction

from automations.errors import FlowNotStartable
from automations.models import FlowVersion, Run
from automations.services.publishing import trial_version
from automations.services.starting import start_run
from workspaces.services.audit import Actor, actor_label, record


def start_again(*, run: Run, key: str, by: Actor, now: datetime) -> tuple[Run, bool]:
    """A new run with this run's trigger data, for the same contact. The same key again gives the run there is already.

    A test goes to its one recipient again, by the draft as it stands now. Raises FlowNotStartable (off, or nothing
    published), FlowInvalid (a test whose draft has findings), RunLimitReached.
    """
    with transaction.atomic():
        started, was_created = start_run(
            flow=run.flow,
            version=_version_for(run, now=now),
            start_key=f"again:{run.public_id}:{key}",
            trigger_data=run.trigger,
            now=now,
            chat=run.chat,
            contact=run.contact,
            conversation=run.conversation,
            started_by=actor_label(by),
            mode=run.mode,
            only_recipient=run.only_recipient,
        )
        if was_created:
            record(by, "run.started_again", started, of=str(run.public_id))
    return started, was_created


def _version_for(run: Run, *, now: datetime) -> FlowVersion:
    if run.only_recipient:
        return trial_version(flow=run.flow, now=now)
    if run.flow.published is None or not run.flow.is_on:
        raise FlowNotStartable(flow=run.flow.name)
    return run.flow.published
