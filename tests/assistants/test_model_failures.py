"""What a model's service can do to us: one more try where that helps, then the fallback text or a named error."""

import gzip
import time
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import translation

from assistants.errors import AssistantUnavailable, BudgetExhausted
from assistants.models import Turn
from assistants.services import model_calls
from tests.assistants.conftest import NOW, new_assistant
from tests.assistants.model_server import (
    calls_a_tool,
    completion,
    drips,
    fails,
    hangs,
    hangs_up,
    says,
    sends,
)
from workspaces.models import Workspace

pytestmark = pytest.mark.django_db

PASSING = [
    pytest.param(fails(408), "timeout", id="408"),
    pytest.param(fails(429), "rate_limited", id="429"),
    pytest.param(fails(429, retry_after="0"), "rate_limited", id="429 with retry-after"),
    pytest.param(fails(500), "server", id="500"),
    pytest.param(fails(502), "server", id="502"),
    pytest.param(fails(503), "server", id="503"),
    pytest.param(fails(529), "server", id="529"),
    pytest.param(hangs_up, "unreachable", id="hangs up"),
    pytest.param(sends(b"<html>Bad gateway</html>"), "malformed", id="no JSON"),
    pytest.param(sends(b'{"choices": []}'), "malformed", id="no choice"),
    pytest.param(sends(b'{"choices": [{"message": "Ja"}]}'), "malformed", id="message is text"),
    pytest.param(sends(b"[1, 2]"), "malformed", id="a list"),
    pytest.param(sends(completion({"a": 1})), "malformed", id="content is an object"),
    pytest.param(sends(b" " * 2_000_000), "malformed", id="endless"),
    pytest.param(says(""), "empty", id="empty"),
    pytest.param(says("   \n"), "empty", id="white space"),
    pytest.param(says(None), "empty", id="null"),
    pytest.param(calls_a_tool(), "empty", id="a tool call alone"),
]
LASTING = [
    pytest.param(fails(401), "bad_key", id="401"),
    pytest.param(fails(403), "bad_key", id="403"),
    pytest.param(fails(404), "not_found", id="404"),
    pytest.param(fails(400, "temperature is not supported"), "refused", id="400"),
    pytest.param(fails(307, location="http://169.254.169.254/"), "refused", id="redirect"),
]


@pytest.mark.parametrize(("fault", "kind"), PASSING)
def test_what_may_pass_is_tried_once_more(ask, model, fault, kind):
    model.plan(fault, says("Ja, bis 17 Uhr."))
    reply = ask()
    assert (reply.text, reply.is_fallback, reply.error_code) == ("Ja, bis 17 Uhr.", False, "")
    assert len(model.calls) == 2


@pytest.mark.parametrize(("fault", "kind"), PASSING)
def test_after_the_second_failure_the_error_has_a_name(ask, model, fault, kind):
    model.plan(fault, fault)
    with pytest.raises(AssistantUnavailable) as failure:
        ask()
    assert (failure.value.kind, failure.value.retryable, failure.value.http_status) == (kind, True, 503)
    assert len(model.calls) == 2


@pytest.mark.parametrize(("fault", "kind"), LASTING)
def test_what_stays_wrong_is_not_tried_again(ask, model, fault, kind):
    model.plan(fault)
    with pytest.raises(AssistantUnavailable) as failure:
        ask()
    assert failure.value.kind == kind
    assert len(model.calls) == 1


@pytest.mark.parametrize(("fault", "kind"), [*PASSING, *LASTING])
def test_the_fallback_text_stands_in_and_the_failure_is_noted(ask, model, assistant, fault, kind):
    assistant.fallback_text = " Wir melden uns gleich. "
    model.plan(fault, fault)
    reply = ask("Hallo", key="k")
    assert (reply.text, reply.is_fallback, reply.error_code) == (
        "Wir melden uns gleich.", True, "assistant_unavailable",
    )  # fmt: skip
    assert (reply.turn.error_code, reply.turn.error_facts["kind"]) == ("assistant_unavailable", kind)
    calls = len(model.calls)
    assert ask("Hallo", key="k") == reply
    assert len(model.calls) == calls


@pytest.mark.parametrize("fault", [hangs, drips])
def test_a_model_that_takes_too_long_is_cut_off(ask, model, assistant, fault):
    assistant.timeout_seconds = 1
    model.plan(fault, fault)
    began = time.monotonic()
    with pytest.raises(AssistantUnavailable) as failure:
        ask()
    assert failure.value.kind == "timeout"
    assert time.monotonic() - began < 4


def test_a_service_that_is_not_there_is_unreachable(ask, workspace, model):
    gone = new_assistant(workspace, model, name="Weg", endpoint=f"http://{model.host}/v1")
    model.shutdown()
    model.server_close()
    with pytest.raises(AssistantUnavailable) as failure:
        ask(assistant=gone)
    assert failure.value.kind == "unreachable"


def test_the_second_try_waits_as_long_as_the_service_asks(ask, model):
    model.plan(fails(429, retry_after="0.4"), says("Ja."))
    assert ask().text == "Ja."
    first, second = model.calls
    assert 0.4 <= second["at"] - first["at"] < 2


def test_a_service_that_asks_for_more_than_the_turns_time_is_not_tried_again(ask, model):
    model.plan(fails(429, retry_after="60"))
    with pytest.raises(AssistantUnavailable) as failure:
        ask()
    assert failure.value.retry_after == 60
    assert len(model.calls) == 1


def test_the_second_try_has_what_is_left_of_the_turns_time(ask, model, assistant, monkeypatch):
    assistant.timeout_seconds = 45
    monkeypatch.setattr(model_calls, "TURN_TIME", timedelta(seconds=2.5))
    model.plan(says(""), hangs)
    began = time.monotonic()
    with pytest.raises(AssistantUnavailable):
        ask()
    assert time.monotonic() - began < 4


def test_a_failed_turn_is_noted_frees_the_thread_and_is_answered_on_the_next_attempt(ask, model, workspace):
    model.plan(fails(401))
    with pytest.raises(AssistantUnavailable):
        ask("Hallo", key="run-1:ask")
    turn = Turn.objects.in_workspace(workspace).get()
    assert (turn.status, turn.error_code, turn.error_facts["kind"]) == ("failed", "assistant_unavailable", "bad_key")
    assert turn.thread.lease_token is None
    assert ask("Hallo", key="run-1:ask").text == "Antwort auf: Hallo"
    turn.refresh_from_db()
    assert (turn.status, turn.error_code, turn.error_facts) == ("answered", "", {})


def test_a_failed_turn_may_be_put_in_other_words(ask, model, workspace):
    model.plan(fails(401))
    with pytest.raises(AssistantUnavailable):
        ask("Es ist 10:00 Uhr.", key="run-1:ask")
    assert ask("Es ist 10:01 Uhr.", key="run-1:ask").text == "Antwort auf: Es ist 10:01 Uhr."
    assert Turn.objects.in_workspace(workspace).filter(role="customer").count() == 1


def test_what_the_customer_said_before_a_failure_is_remembered(ask, model):
    model.plan(fails(404))
    with pytest.raises(AssistantUnavailable):
        ask("Ich heiße Eva")
    ask("Wie heiße ich?")
    assert [message["content"] for message in model.messages()[2:]] == ["Ich heiße Eva", "Wie heiße ich?"]


def test_a_key_that_cannot_be_read_any_more_says_so(ask, model, assistant, settings):
    settings.FIELD_KEYS = ["TluxwB3fV_GWuLkR1_BzGs1Zk90TYAuhNMZP_0q4WyM="]
    assistant.refresh_from_db()
    with pytest.raises(AssistantUnavailable) as failure:
        ask()
    assert failure.value.kind == "key_unreadable"
    assert model.calls == []


def test_an_address_of_the_own_network_is_not_called(ask, model, settings):
    settings.MODEL_HOSTS_ALLOWED = []
    with pytest.raises(AssistantUnavailable) as failure:
        ask()
    assert failure.value.kind == "forbidden"
    assert model.calls == []


@pytest.mark.parametrize("endpoint", ["file:///etc/passwd", "nonsense", "http://", "ftp://example.com/v1"])
def test_an_address_that_is_none_is_not_called(ask, workspace, model, endpoint):
    with pytest.raises(AssistantUnavailable) as failure:
        ask(assistant=new_assistant(workspace, model, name="Falsch", endpoint=endpoint))
    assert failure.value.kind in {"forbidden", "unreachable"}


def test_an_answer_that_comes_packed_is_not_unpacked(ask, model):
    def packs(handler, body):
        handler.reply(200, gzip.compress(completion("Ja.")), {"Content-Encoding": "gzip"})

    model.plan(packs, packs)
    with pytest.raises(AssistantUnavailable) as failure:
        ask()
    assert failure.value.kind == "malformed"
    assert model.calls[0]["headers"]["Accept-Encoding"] == "identity"


def test_a_model_without_a_key_is_called(ask, workspace, model):
    assert ask(assistant=new_assistant(workspace, model, name="Ollama", api_key="")).text


def test_the_key_is_in_no_error_and_no_log(ask, model, capfd, caplog):
    caplog.set_level("DEBUG")
    model.plan(fails(400, "Incorrect API key provided: sk-canary-4711"))
    with pytest.raises(AssistantUnavailable) as failure:
        ask()
    said = f"{failure.value} {failure.value.facts} {failure.value.__cause__} {caplog.text} {capfd.readouterr()}"
    assert "sk-canary-4711" not in said
    assert failure.value.__suppress_context__


@pytest.mark.parametrize(("fault", "kind"), [*PASSING, *LASTING])
@pytest.mark.parametrize("language", ["de", "en"])
def test_each_failure_has_a_cause_and_a_cure_in_words(fault, kind, language):
    error = AssistantUnavailable(assistant="Empfang", kind=kind, status=503, detail="no")
    with translation.override(language):
        assert "Empfang" in error.cause_text()
        assert "?" not in error.for_person()
        assert error.cure_text()


def allow_tokens(workspace: Workspace, tokens: int) -> None:
    Workspace.objects.filter(pk=workspace.pk).update(daily_ai_budget_tokens=tokens)


class TestBudget:
    """Tokens of a workspace's day; the day is the workspace's own."""

    def test_is_checked_before_the_call(self, ask, model, workspace):
        allow_tokens(workspace, 150)
        ask()
        ask()
        with pytest.raises(BudgetExhausted) as refusal:
            ask()
        assert len(model.calls) == 2
        assert refusal.value.facts["used"] == 200
        assert refusal.value.http_status == 429
        # 9:00 UTC is 10:00 in Vienna; midnight is 14 hours away.
        assert refusal.value.retry_after == pytest.approx(14 * 3600, abs=5)

    def test_a_refused_turn_is_noted_and_frees_the_thread(self, ask, workspace):
        allow_tokens(workspace, 0)
        with pytest.raises(BudgetExhausted):
            ask()
        turn = Turn.objects.in_workspace(workspace).get()
        assert (turn.status, turn.error_code) == ("failed", "budget_exhausted")
        assert turn.thread.lease_token is None

    def test_begins_again_at_the_workspaces_midnight(self, ask, workspace):
        allow_tokens(workspace, 100)
        ask(now=datetime(2026, 11, 24, 22, 59, tzinfo=UTC))
        assert ask(now=datetime(2026, 11, 24, 23, 0, tzinfo=UTC)).text

    def test_counts_tries_that_came_to_nothing(self, ask, model, workspace):
        allow_tokens(workspace, 200)
        model.plan(says(""), says(""))
        with pytest.raises(AssistantUnavailable):
            ask()
        with pytest.raises(BudgetExhausted):
            ask()

    def test_counts_no_other_workspaces_tokens(self, ask, model, workspace):
        stranger = Workspace.objects.create(name="Fremd", slug="fremd", daily_ai_budget_tokens=100)
        ask(assistant=new_assistant(stranger, model))
        allow_tokens(workspace, 1)
        assert ask(now=NOW).text
