"""A version as people see it: cards in order, their lanes with the cards in these, and the data at hand at a card."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from django.utils.translation import gettext_lazy as _

from automations.actions.base import Action, Lane, NotARegisteredType
from automations.actions.registry import action
from automations.engine.context import CONTACT_SAMPLE, CONVERSATION_SAMPLE, SENDER_SAMPLE, WORKSPACE_SAMPLE
from automations.findings import Finding, Severity
from automations.models import FlowVersion, Step
from automations.triggers import base as triggers
from automations.triggers.base import Trigger
from messaging.models import Template
from messaging.services.templates import parameters_of
from workspaces.errors import Text
from workspaces.models import Workspace

ERROR_SAMPLE = {"error": {"code": "sender_offline", "title": "", "cause": ""}}
# Of the validator: a form's own message, which names no field.
SETTINGS_CODES = frozenset({"settings", "trigger_settings"})
_BROKEN = (NotARegisteredType, KeyError, TypeError, ValueError)


@dataclass
class Counts:
    """What happened at a card in the last days."""

    passed: int = 0
    waiting: int = 0
    failed: int = 0


@dataclass
class Row:
    """A row of cards: the trunk, or a lane of a step."""

    lane: str
    label: Text
    ends_run: bool = False
    parent: Step | None = None
    is_gone: bool = False
    cards: list["Card"] = field(default_factory=list)

    @property
    def is_failure(self) -> bool:
        """The way that is taken when the step has failed for good."""
        return self.lane == Step.FAILURE_LANE


@dataclass
class Card:
    """One step as it is shown."""

    step: Step
    kind: Action | None
    sentence: str
    number: int | None
    findings: list[Finding]
    counts: Counts
    rows: list[Row] = field(default_factory=list)
    failure: Row | None = None
    is_first: bool = False
    is_last: bool = False

    @property
    def label(self) -> Text:
        """The type's name for people."""
        return self.kind.label if self.kind is not None else self.step.type

    @property
    def all_rows(self) -> list[Row]:
        """The lanes, the failure lane among them."""
        return [*self.rows, self.failure] if self.failure is not None else self.rows

    @property
    def worst(self) -> str:
        """error, warning, or nothing."""
        if any(finding.severity is Severity.ERROR for finding in self.findings):
            return "error"
        return "warning" if self.findings else ""


def draw(
    version: FlowVersion,
    *,
    numbers: Mapping[str, int],
    findings: list[Finding] | None = None,
    counts: Mapping[str, Counts] | None = None,
) -> Row:
    """The trunk, with everything below it."""
    children: dict[tuple[int | None, str], list[Step]] = defaultdict(list)
    for step in version.steps.select_related("workspace").order_by("position", "id"):
        children[(step.parent_id, step.lane)].append(step)
    said: dict[str, list[Finding]] = defaultdict(list)
    for finding in findings or []:
        said[finding.step].append(finding)
    seen = counts or {}

    def row(parent: Step | None, lane: Lane, *, is_gone: bool = False) -> Row:
        steps = children.pop((parent.pk if parent else None, lane.key), [])
        drawn = Row(lane.key, lane.label, lane.ends_run, parent, is_gone)
        drawn.cards = [card(step) for step in steps]
        if drawn.cards:
            drawn.cards[0].is_first = drawn.cards[-1].is_last = True
        return drawn

    def card(step: Step) -> Card:
        rows = [row(step, lane) for lane in lanes_of(step)]
        # Steps of a lane that is gone are shown, so that they can be removed.
        strays = [lane for parent_id, lane in list(children) if parent_id == step.pk]
        rows += [row(step, Lane(lane, _("lane that no longer exists")), is_gone=True) for lane in strays]
        return Card(
            step=step,
            kind=kind_of(step.type),
            sentence=sentence_of(step),
            number=numbers.get(step.key),
            findings=said[step.key],
            counts=seen.get(step.key, Counts()),
            rows=[each for each in rows if not each.is_failure],
            failure=next((each for each in rows if each.is_failure), None),
        )

    return row(None, Lane("", ""))


def kind_of(type_name: str) -> Action | None:
    """The action of a type, or None where this installation does not have it."""
    try:
        return action(type_name)
    except NotARegisteredType:
        return None


def name_fields(findings: list[Finding], kinds: Mapping[str, Action | Trigger | None]) -> list[Finding]:
    """The findings with their field's label in front where the message alone would not say which field it means."""
    named = []
    for finding in findings:
        kind = kinds.get(finding.step)
        field = kind.form.base_fields.get(finding.root) if kind is not None else None
        if field is not None and field.label and finding.code in SETTINGS_CODES:
            finding = replace(finding, message=f"{field.label}: {finding.message}")
        named.append(finding)
    return named


def lanes_of(step: Step) -> list[Lane]:
    """The step's lanes with its settings as they are; none where they do not hold yet."""
    try:
        lanes = action(step.type).lanes(step.config)
    except _BROKEN:
        lanes = []
    if step.on_failure == Step.OnFailure.LANE:
        lanes = [*lanes, Lane(Step.FAILURE_LANE, _("on failure"), ends_run=True)]
    return lanes


def sentence_of(step: Step) -> str:
    """What the card says the step does."""
    return type_sentence(step.type, step.config, step.workspace) or step.type


def type_sentence(type_name: str, config: Mapping[str, Any], workspace: Workspace) -> str:
    """What a step of this type does with these settings; empty where nobody can say."""
    try:
        return action(type_name).sentence(config, workspace)
    except NotARegisteredType:
        return ""
    except (KeyError, TypeError, ValueError):
        return str(action(type_name).label)


def trigger_of(version: FlowVersion) -> Trigger | None:
    """The version's trigger type, or None."""
    return triggers.find(version.trigger_type)


def trigger_sentence(version: FlowVersion) -> str:
    """What starts the flow; empty where nothing is chosen."""
    known = trigger_of(version)
    if known is None:
        return version.trigger_type
    try:
        return known.sentence(version.trigger_config, version.workspace)
    except (KeyError, TypeError, ValueError):
        return str(known.label)


def trigger_sample(version: FlowVersion) -> dict[str, Any]:
    """The trigger's data with sample values."""
    known = trigger_of(version)
    if known is None:
        return {}
    inputs = version.trigger_config.get("inputs") if known.takes_any_key else None
    return dict(inputs or known.data)


@dataclass(frozen=True)
class Datum:
    """One expression that can be used at a point, with a sample of what it stands for."""

    expression: str
    sample: Any


@dataclass(frozen=True)
class Source:
    """Where data comes from: for the picker's headings, and as a run would hold it."""

    label: Text
    root: str
    sample: Mapping[str, Any]
    step: str = ""

    @property
    def data(self) -> list[Datum]:
        """Every expression."""
        path = f"{self.root}.{self.step}" if self.step else self.root
        return [Datum(f"{{{{{path}.{name}}}}}", value) for name, value in self.sample.items()]


def data_at_hand(version: FlowVersion, step: Step | None, *, lane: str = "") -> list[Source]:
    """What can be used at the step (in its lane `lane`: by a new step there): the trigger, earlier steps, the rest."""
    found = [Source(_("Trigger"), "trigger", trigger_sample(version))]
    for earlier, output in _outputs_before(version, step, lane):
        found.append(Source(earlier.name or _label(earlier), "steps", output, step=earlier.key))
    for label, root, sample in (
        (_("Contact"), "contact", CONTACT_SAMPLE),
        (_("Conversation"), "conversation", CONVERSATION_SAMPLE),
        (_("Sender"), "sender", SENDER_SAMPLE),
        (_("Workspace"), "workspace", WORKSPACE_SAMPLE),
    ):
        found.append(Source(label, root, sample))
    return [source for source in found if source.sample]


def as_run_data(sources: list[Source]) -> dict[str, Any]:
    """The samples as a run would hold them, to work out an expression with."""
    data: dict[str, Any] = {"trigger": {}, "steps": {}}
    for source in sources:
        if source.step:
            data["steps"][source.step] = dict(source.sample)
        else:
            data[source.root] = dict(source.sample)
    return data


def _outputs_before(version: FlowVersion, step: Step | None, lane: str) -> Iterator[tuple[Step, dict[str, Any]]]:
    """Steps that have run, or may have run, when this point is reached, in the order of the tree."""
    children: dict[tuple[int | None, str], list[Step]] = defaultdict(list)
    by_id: dict[int, Step] = {}
    for each in version.steps.order_by("position", "id"):
        children[(each.parent_id, each.lane)].append(each)
        by_id[each.pk] = each

    def everything(row: list[Step]) -> Iterator[tuple[Step, dict[str, Any]]]:
        for each in row:
            yield each, _output(each)
            for (parent_id, _lane), inner in children.items():
                if parent_id == each.pk:
                    yield from everything(inner)

    if step is None:
        yield from everything(children[(None, "")])
        return
    levels: list[list[tuple[Step, dict[str, Any]]]] = []
    if lane:
        more = ERROR_SAMPLE if lane == Step.FAILURE_LANE else {}
        levels.append([(step, {**_output(step), **more})])
    current: Step | None = step
    while current is not None:
        row = children[(current.parent_id, current.lane)]
        at = next(index for index, each in enumerate(row) if each.pk == current.pk)  # type: ignore[union-attr]
        levels.append(list(everything(row[:at])))
        parent = by_id.get(current.parent_id) if current.parent_id else None
        if parent is not None:
            more = ERROR_SAMPLE if current.lane == Step.FAILURE_LANE else {}
            levels.append([(parent, {**_output(parent), **more})])
        current = parent
    for level in reversed(levels):
        yield from level


def _output(step: Step) -> dict[str, Any]:
    try:
        return dict(action(step.type).output_for(step.config))
    except _BROKEN:
        return {}


def _label(step: Step) -> Text:
    kind = kind_of(step.type)
    return kind.label if kind is not None else step.type


def template_of(type_name: str, config: Mapping[str, Any], workspace: Workspace) -> Template | None:
    """The template that the settings name, the approved variant first; None where the type sends none."""
    kind = kind_of(type_name)
    name, language = str(config.get("template") or ""), str(config.get("language") or "")
    # As typed, unchecked: PostgreSQL refuses the null character in a query.
    if kind is None or not kind.needs_template or not name or "\x00" in name + language:
        return None
    rows = Template.objects.in_workspace(workspace).filter(name=name).exclude(status=Template.Status.DELETED)
    if language:
        rows = rows.filter(language=language)
    return rows.order_by("status", "id").first()


def with_placeholders(config: Mapping[str, Any], template: Template | None) -> dict[str, Any]:
    """The settings with a row for each placeholder of the template, filled or not; what is filled stays."""
    if template is None:
        return dict(config)
    stored = config.get("variables")
    given = dict(stored) if isinstance(stored, Mapping) else {}
    rows = {parameter.key: given.pop(parameter.key, "") for parameter in parameters_of(template)}
    return {**config, "variables": {**rows, **{name: text for name, text in given.items() if text}}}
