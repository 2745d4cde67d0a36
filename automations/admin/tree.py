"""The draft as the flow's page draws it: cards in order, and their lanes with the cards in these."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext_lazy as _

from automations.actions.base import Lane, NotARegisteredType
from automations.actions.registry import action
from automations.engine.context import CONTACT_SAMPLE
from automations.findings import Finding
from automations.models import FlowVersion, Step
from automations.triggers import base as triggers
from messaging.models import Template
from messaging.services.templates import parameters_of
from workspaces.errors import Text
from workspaces.models import Workspace


@dataclass
class Row:
    """A row of cards: the trunk, or a lane of a step."""

    lane: str
    label: Text
    ends_run: bool = False
    cards: list["Card"] = field(default_factory=list)


@dataclass
class Card:
    """One step as it is shown."""

    step: Step
    label: Text
    sentence: str
    findings: list[Finding]
    rows: list[Row]
    is_first: bool = False
    is_last: bool = False


def draw_tree(draft: FlowVersion, findings: list[Finding]) -> Row:
    """The trunk, with everything below it."""
    children: dict[tuple[int | None, str], list[Step]] = defaultdict(list)
    for step in draft.steps.select_related("workspace").order_by("position", "id"):
        children[(step.parent_id, step.lane)].append(step)
    said: dict[str, list[Finding]] = defaultdict(list)
    for finding in findings:
        said[finding.step].append(finding)

    def row(parent: Step | None, lane: Lane) -> Row:
        steps = children.pop((parent.pk if parent else None, lane.key), [])
        drawn = Row(lane.key, lane.label, lane.ends_run)
        for index, step in enumerate(steps):
            rows = [row(step, inner) for inner in lanes_of(step)]
            # Steps of a lane that is gone are shown, so that they can be moved out or removed.
            strays = [key for parent_id, key in list(children) if parent_id == step.pk]
            rows += [row(step, Lane(key, _("lane that no longer exists"))) for key in strays]
            drawn.cards.append(
                Card(
                    step=step,
                    label=label_of(step.type),
                    sentence=sentence_of(step),
                    findings=said[step.key],
                    rows=rows,
                    is_first=index == 0,
                    is_last=index == len(steps) - 1,
                )
            )
        return drawn

    return row(None, Lane("", ""))


def lanes_of(step: Step) -> list[Lane]:
    """The step's lanes with its settings as they are; none where they do not hold yet."""
    try:
        lanes = action(step.type).lanes(step.config)
    except (NotARegisteredType, KeyError, TypeError, ValueError):
        lanes = []
    if step.on_failure == Step.OnFailure.LANE:
        lanes = [*lanes, Lane(Step.FAILURE_LANE, _("on failure"), ends_run=True)]
    return lanes


def label_of(type_name: str) -> Text:
    """The type's name for people; the bare type where this installation does not have it."""
    try:
        return action(type_name).label
    except NotARegisteredType:
        return type_name


def sentence_of(step: Step) -> str:
    """What the card says the step does."""
    try:
        return action(step.type).sentence(step.config, step.workspace)
    except (NotARegisteredType, KeyError, TypeError, ValueError):
        return ""


def trigger_sentence(draft: FlowVersion) -> str:
    """What starts the flow."""
    known = triggers.find(draft.trigger_type)
    if known is None:
        return draft.trigger_type
    try:
        return known.sentence(draft.trigger_config, draft.workspace)
    except (KeyError, TypeError, ValueError):
        return str(known.label)


def data_at_hand(draft: FlowVersion, step: Step | None) -> Iterator[tuple[str, Any]]:
    """Expressions that a step may use, each with a sample: the trigger's data, the contact, the other steps."""
    known = triggers.find(draft.trigger_type)
    if known is not None:
        inputs = draft.trigger_config.get("inputs") if known.takes_any_key else None
        yield from _paths("trigger", inputs or known.data)
    yield from _paths("contact", CONTACT_SAMPLE)
    for other in draft.steps.order_by("id"):
        if step is not None and other.pk == step.pk:
            continue
        try:
            output = action(other.type).output_for(other.config)
        except (NotARegisteredType, KeyError, TypeError, ValueError):
            continue
        yield from _paths(f"steps.{other.key}", output)


def _paths(root: str, sample: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in sample.items():
        yield f"{{{{{root}.{name}}}}}", value


def with_placeholders(type_name: str, config: Mapping[str, Any], workspace: Workspace) -> dict[str, Any]:
    """The settings of a template step with a row for each placeholder of its template, filled or not."""
    if not action(type_name).needs_template or not config.get("template"):
        return dict(config)
    rows = Template.objects.in_workspace(workspace).filter(name=config["template"])
    template = rows.exclude(status=Template.Status.DELETED).order_by("status", "id").first()
    empty = {parameter.key: "" for parameter in parameters_of(template)} if template is not None else {}
    return {**config, "variables": {**empty, **(config.get("variables") or {})}}
