"""One answer at a time a thread, in stored order: threads, leases, and callers that die or wake up late."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, connections

from assistants.errors import AssistantUnavailable
from assistants.models import Thread, Turn
from assistants.services import model_calls, replies
from assistants.services.replies import ThreadBusy
from assistants.services.threads import thread_history
from assistants.services.turns import ABANDONED, LEASE, LOOK_AGAIN
from tests.assistants.conftest import NOW
from tests.assistants.model_server import fails, waits_for

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def together():
    """Runs calls in threads of their own, each with its own connection; answers come as futures."""
    pool = ThreadPoolExecutor(max_workers=4)

    def start(call: Any, *args: Any, **kwargs: Any) -> Any:
        def run() -> Any:
            try:
                return call(*args, **kwargs)
            finally:
                connections.close_all()

        return pool.submit(run)

    yield start
    pool.shutdown(wait=True)


def a_turn_left_behind(thread: Thread, *, text: str = "Hört mich jemand?", key: str = "dead:1", at: Any = NOW) -> Turn:
    turn = thread.turns.create(
        workspace=thread.workspace, role="customer", status="pending", content=text, key=key, created_at=at
    )
    thread.turns.filter(pk=turn.pk).update(updated_at=at)
    return turn


def test_the_database_is_one_that_threads_share():
    assert "memory" not in str(connection.settings_dict["NAME"])


def test_two_messages_at_once_are_answered_one_after_the_other(ask, model, together):
    is_asked, may_answer = threading.Event(), threading.Event()
    model.plan(waits_for(may_answer, is_asked))
    first = together(ask, "Eins")
    assert is_asked.wait(10)
    second = together(ask, "Zwei", wait_seconds=20)
    with pytest.raises(TimeoutError):
        second.result(timeout=0.6)
    assert model.heard == ["Eins"]
    may_answer.set()
    assert first.result(10).text == "Antwort auf: Eins"
    assert second.result(10).text == "Antwort auf: Zwei"
    assert [message["content"] for message in model.messages()[2:]] == ["Eins", "Antwort auf: Eins", "Zwei"]


def test_ten_messages_at_once_are_answered_in_stored_order(ask, model, together):
    futures = [together(ask, f"Nachricht {number}", wait_seconds=40) for number in range(10)]
    for future in futures:
        future.result(60)
    thread = futures[0].result().thread
    stored = [turn.content for turn in thread.turns.filter(role="customer").order_by("pk")]
    answered = [turn.answers.content for turn in thread_history(thread) if turn.role == "assistant"]
    assert model.heard == stored == answered
    assert len(stored) == 10


def test_a_run_that_finds_the_thread_taken_is_told_when_to_look_again(ask, model, together):
    is_asked, may_answer = threading.Event(), threading.Event()
    model.plan(waits_for(may_answer, is_asked))
    first = together(ask, "Eins")
    assert is_asked.wait(10)
    with pytest.raises(ThreadBusy) as busy:
        ask("Zwei", key="run-2:ask")
    assert NOW < busy.value.until <= NOW + LOOK_AGAIN + timedelta(seconds=1)
    may_answer.set()
    first.result(10)
    assert ask("Zwei", key="run-2:ask", now=busy.value.until).text == "Antwort auf: Zwei"


def test_customers_do_not_wait_for_each_other(ask, model, together):
    is_asked, may_answer = threading.Event(), threading.Event()
    model.plan(waits_for(may_answer, is_asked))
    first = together(ask, "Eins")
    assert is_asked.wait(10)
    assert ask("Zwei", customer_identifier="+436641234567").text == "Antwort auf: Zwei"
    may_answer.set()
    first.result(10)


def test_the_same_key_ten_times_at_once_is_one_call_and_one_answer(ask, model, together):
    futures = [together(ask, "Hallo", key="abc", wait_seconds=20) for _ in range(10)]
    assert len({future.result(30).turn.pk for future in futures}) == 1
    assert len(model.calls) == 1


def test_a_call_that_waits_gives_up_and_lets_others_pass(ask, model, together):
    is_asked, may_answer = threading.Event(), threading.Event()
    model.plan(waits_for(may_answer, is_asked))
    first = together(ask, "Eins")
    assert is_asked.wait(10)
    with pytest.raises(ThreadBusy):
        ask("Zwei", key="api-2", wait_seconds=0.5)
    may_answer.set()
    first.result(10)
    assert ask("Drei").text == "Antwort auf: Drei"
    assert ask("Zwei", key="api-2").text == "Antwort auf: Zwei"


def test_an_older_message_that_someone_waits_for_goes_first(ask):
    thread = ask("Hallo").thread
    a_turn_left_behind(thread)
    with pytest.raises(ThreadBusy):
        ask("Und ich?", now=NOW + timedelta(seconds=60))


def test_a_message_whose_caller_died_does_not_block_the_thread_for_ever(ask, model):
    thread = ask("Hallo").thread
    left = a_turn_left_behind(thread)
    later = NOW + ABANDONED
    assert ask("Und ich?", now=later).text == "Antwort auf: Und ich?"
    left.refresh_from_db()
    assert (left.status, left.error_code, left.error_facts["kind"]) == ("failed", "assistant_unavailable", "abandoned")
    assert "Hört mich jemand?" in [message["content"] for message in model.messages()]
    assert ask("Hört mich jemand?", key="dead:1", now=later).text == "Antwort auf: Hört mich jemand?"


def test_who_looks_again_keeps_his_place(ask):
    thread = ask("Hallo").thread
    Thread.objects.in_workspace(thread.workspace).update(lease_until=NOW + timedelta(seconds=80))
    with pytest.raises(ThreadBusy):
        ask("Erster", key="run-1")
    with pytest.raises(ThreadBusy):
        ask("Erster", key="run-1", now=NOW + timedelta(seconds=70))
    with pytest.raises(ThreadBusy):
        ask("Zweiter", key="run-2", now=NOW + ABANDONED)
    assert ask("Erster", key="run-1", now=NOW + ABANDONED).text == "Antwort auf: Erster"


def test_a_lease_holds_its_whole_time_and_is_then_taken_over(ask):
    thread = ask("Hallo").thread
    Thread.objects.in_workspace(thread.workspace).update(lease_token=thread.public_id, lease_until=NOW + LEASE)
    with pytest.raises(ThreadBusy) as busy:
        ask("Noch da?", key="k", now=NOW + LEASE - timedelta(seconds=1))
    assert busy.value.until <= NOW + LEASE + timedelta(seconds=0.1)
    assert ask("Noch da?", key="k", now=NOW + LEASE).text == "Antwort auf: Noch da?"


def test_a_holder_who_wakes_up_late_commits_nothing(ask, model, together, workspace):
    is_asked, may_answer = threading.Event(), threading.Event()
    model.plan(waits_for(may_answer, is_asked))
    late = together(ask, "Hallo", key="k")
    assert is_asked.wait(10)
    # A rescued run comes back with the same key when the lease has lapsed, and takes it over.
    rescued = ask("Hallo", key="k", now=NOW + LEASE + timedelta(seconds=5))
    may_answer.set()
    assert late.exception(10) is None or isinstance(late.exception(), ThreadBusy)
    assert Turn.objects.in_workspace(workspace).filter(role="assistant").count() == 1
    assert ask("Hallo", key="k").turn == rescued.turn


def test_a_late_failure_takes_nothing_back(ask, model, assistant, together, workspace):
    is_asked, may_fail = threading.Event(), threading.Event()

    def fails_late(handler, body):
        is_asked.set()
        may_fail.wait(20)
        handler.reply(401, b"{}")

    model.plan(fails_late)
    late = together(ask, "Hallo", key="k")
    assert is_asked.wait(10)
    rescued = ask("Hallo", key="k", now=NOW + LEASE + timedelta(seconds=5))
    may_fail.set()
    assert not isinstance(late.exception(10), AssistantUnavailable)
    turn = Turn.objects.in_workspace(workspace).get(role="customer")
    assert (turn.status, turn.answer) == ("answered", rescued.turn)


def test_an_error_nobody_foresaw_gives_the_thread_back_at_once(ask, model, monkeypatch):
    def breaks(*args: object) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(replies, "ask_model", breaks)
        with pytest.raises(ZeroDivisionError):
            ask("Hallo", key="k")
    assert ask("Hallo", key="k").text == "Antwort auf: Hallo"


def test_a_process_that_stops_between_two_tries_leaves_the_message_to_another(ask, model, monkeypatch, workspace):
    model.plan(fails(429, retry_after="30"))
    with monkeypatch.context() as patch:
        patch.setattr(model_calls, "is_stopping", lambda: True)
        with pytest.raises(ThreadBusy) as busy:
            ask("Hallo", key="k")
    assert Turn.objects.in_workspace(workspace).get().status == "pending"
    assert ask("Hallo", key="k", now=busy.value.until).text == "Antwort auf: Hallo"


def test_no_transaction_is_open_while_the_model_thinks(ask, model, monkeypatch):
    open_during_call: list[bool] = []
    real = replies.ask_model

    def looks(*args: Any) -> Any:
        open_during_call.append(connection.in_atomic_block)
        return real(*args)

    monkeypatch.setattr(replies, "ask_model", looks)
    ask()
    assert open_during_call == [False]
