"""What came of it, counted in the emulator's journal and beside it in our rows."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from automations.models import Run, StepRun
from messaging.models import Message, WebhookEvent
from tests.chaos.customers import accepted_text, answer_of, opening_of, phone_of
from tests.house import House
from workspaces.models import Notification

REPORTED = "delivery_unknown"
# Three deaths in one step look like a step that kills its worker; on a slow machine chance can do that too.
STOPPED, DEATHS = "step_crashed", 3
STOPPED_SHARE = 0.02
# The emulator's longest delay, and the machine's load.
ANSWER_AT_MOST = timedelta(seconds=6)


@dataclass
class Verdict:
    """The figures, and a sentence for each thing that must not be."""

    runs: int = 0
    done: int = 0
    reported: int = 0
    stopped: int = 0
    accepted: int = 0
    reported_unsent: int = 0
    answers_lost: int = 0
    settled: int = 0
    faults: list[str] = field(default_factory=list)

    @property
    def is_good(self) -> bool:
        """Whether nothing was lost, doubled, or left hanging."""
        return not self.faults


def judge(house: House, *, count: int, kills: list[datetime]) -> Verdict:
    """Compare what every customer has on the screen with what the flow had to send. `kills`: when somebody died."""
    verdict = Verdict()
    journal = house.emulator.journal()
    texts = Counter(filter(None, (accepted_text(entry) for entry in journal)))
    verdict.accepted = texts.total()
    runs = {run.contact.phone: run for run in _runs(house) if run.contact is not None}
    verdict.runs = Run.objects.in_workspace(house.workspace).count()
    if verdict.runs != count:
        verdict.faults.append(f"{verdict.runs} runs for {count} customers")
    steps = defaultdict(set)
    for run_id, key, status in StepRun.objects.in_workspace(house.workspace).values_list(
        "run_id", "step_key", "status"
    ):
        if status == StepRun.Status.DONE:
            steps[run_id].add(key)
    for number in range(count):
        _judge_one(number, texts, runs.get(phone_of(number)), steps, kills, verdict)
    verdict.faults += [f"{times} times at the customer: {text}" for text, times in texts.items() if times > 1]
    known = {text for number in range(count) for text in expected_texts(number)}
    verdict.faults += [f"nobody was to get: {text}" for text in texts if text not in known]
    if verdict.stopped > max(1, count * STOPPED_SHARE):
        verdict.faults.append(f"{verdict.stopped} runs stopped at their third death: more than chance explains")
    _judge_rows(house, count, verdict)
    _judge_unknown(house, journal, kills, verdict)
    return verdict


def expected_texts(number: int) -> list[str]:
    """The three messages of a customer's run, in order."""
    opening = opening_of(number)
    second = "zwei-u" if number % 2 else "zwei-g"
    return [f"eins {opening}", f"{second} {opening}", f"drei {opening}: {answer_of(number)}"]


def _judge_one(
    number: int,
    texts: Counter[str],
    run: Run | None,
    steps: dict[int, set[str]],
    kills: list[datetime],
    verdict: Verdict,
) -> None:
    if run is None:
        verdict.faults.append(f"no run for customer {number}")
        return
    if run.status == Run.Status.DONE:
        verdict.done += 1
        verdict.faults += [f"lost: {text}" for text in expected_texts(number) if not texts[text]]
        missing = {"eins", "pause", "weg", "links" if number % 2 else "rechts", "warten", "drei"} - steps[run.pk]
        if missing:
            verdict.faults.append(f"customer {number}: done without {', '.join(sorted(missing))}")
    elif run.status == Run.Status.FAILED and run.error_code == REPORTED:
        verdict.reported += 1
    elif run.status == Run.Status.FAILED and run.error_code == STOPPED and _deaths_of(run, kills) >= DEATHS:
        verdict.stopped += 1
    else:
        verdict.faults.append(f"customer {number}: the run is {run.status} at {run.cursor} ({run.error_code})")


def _deaths_of(run: Run, kills: list[datetime]) -> int:
    return sum(run.started_at <= killed_at <= (run.ended_at or killed_at) for killed_at in kills)


def _judge_rows(house: House, count: int, verdict: Verdict) -> None:
    """Nothing stands half done in our own books, and each message of a customer stands there once."""
    rows = Message.objects.in_workspace(house.workspace)
    outbound, inbound = rows.filter(direction=Message.Direction.OUT), rows.filter(direction=Message.Direction.IN)
    left = Counter(outbound.filter(status__in=("queued", "sending", "unknown")).values_list("status", flat=True))
    verdict.faults += [f"{number} messages are left {status}" for status, number in left.items()]
    bodies = Counter(inbound.values_list("body", flat=True))
    verdict.faults += [f"{times} rows of the customer's message: {body}" for body, times in bodies.items() if times > 1]
    verdict.faults += [f"no row of: {opening_of(one)}" for one in range(count) if not bodies[opening_of(one)]]
    unrouted = inbound.filter(routed_at=None).count()
    unread = WebhookEvent.objects.filter(processed_at=None).count()
    if unrouted or unread:
        verdict.faults.append(f"{unrouted} messages not routed, {unread} bodies not worked off")
    notices = Notification.objects.in_workspace(house.workspace)
    told = set(notices.values_list("code", flat=True))
    if (verdict.reported and REPORTED not in told) or (verdict.stopped and STOPPED not in told):
        verdict.faults.append("the team was not told")


def _judge_unknown(house: House, journal: list[dict[str, Any]], kills: list[datetime], verdict: Verdict) -> None:
    """What was reported as unknown was told by no status that we had taken, and its answer was really lost."""
    told: dict[str, set[str]] = defaultdict(set)
    calls: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for entry in journal:
        if entry["kind"] == "webhook" and entry["status"] == 200:
            for status in entry["body"]["entry"][0]["changes"][0]["value"].get("statuses", ()):
                told[status.get("biz_opaque_callback_data", "")].add(status["status"])
        elif entry["kind"] == "call" and isinstance(entry["body"], dict):
            calls[entry["body"].get("biz_opaque_callback_data", "")].append(entry)
    for message in Message.objects.in_workspace(house.workspace).filter(direction=Message.Direction.OUT):
        key = str(message.public_id)
        was_accepted = any(accepted_text(call) for call in calls[key])
        was_lost = any(_loses_its_answer(call) for call in calls[key])
        is_reported = message.error_code == REPORTED
        verdict.answers_lost += was_lost
        verdict.settled += was_lost and was_accepted and not is_reported
        verdict.reported_unsent += is_reported and not was_accepted
        if is_reported and told[key]:
            verdict.faults.append(f"reported as unknown, though told {', '.join(sorted(told[key]))}: {message.body}")
        if is_reported and not was_lost and not _killed_meanwhile(message, calls[key], kills):
            verdict.faults.append(f"reported as unknown, though answered: {message.body}")


def _loses_its_answer(call: dict[str, Any]) -> bool:
    """By a fault that was ordered. A 502 says nothing about what became of the message."""
    return call["status"] == 502 or any(name.startswith("accept_then") for name in call.get("fault", ()))


def _killed_meanwhile(message: Message, calls: list[dict[str, Any]], kills: list[datetime]) -> bool:
    """Whether somebody died between the row and the answer, which the emulator may have held back."""
    began_at = message.occurred_at
    called = [at for at in (datetime.fromisoformat(call["at"]) for call in calls) if at >= began_at]
    return any(began_at <= killed_at <= max(called, default=began_at) + ANSWER_AT_MOST for killed_at in kills)


def _runs(house: House) -> list[Run]:
    return list(Run.objects.in_workspace(house.workspace).select_related("contact"))
