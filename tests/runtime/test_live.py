"""The live stream: a change reaches the members of its workspace, and nobody else."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.db import connections
from django.test import AsyncClient, Client
from django.utils import timezone

from config.live import views
from config.live.changes import ChangeReader
from config.live.hub import Hub
from workspaces.changes import announce
from workspaces.models import Change, Membership, Role, User, Workspace

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def workspace() -> Workspace:
    return Workspace.objects.create(name="Muster", slug="muster")


@pytest.fixture
def browser(workspace: Workspace) -> AsyncClient:
    """Alice, who is on the team."""
    return logged_in("alice@example.org", member_of=workspace)


def logged_in(email: str, *, member_of: Workspace | None = None) -> AsyncClient:
    user = User.objects.create_user(email, "not used here")
    if member_of is not None:
        Membership.objects.create(workspace=member_of, user=user, role=Role.VIEWER)
    client, session = AsyncClient(), Client()
    session.force_login(user)
    client.cookies = session.cookies
    return client


def run(conversation: Callable[[], Coroutine[Any, Any, None]], monkeypatch: pytest.MonkeyPatch) -> None:
    """One process's life: its own hub and watcher, ended with it."""

    async def whole() -> None:
        monkeypatch.setattr(views, "hub", Hub())
        await asyncio.wait_for(conversation(), 10)
        await sync_to_async(connections.close_all)()

    asyncio.run(whole())


async def events(client: AsyncClient, address: str, **headers: str) -> AsyncIterator[str]:
    """The names of the events as they come in."""
    response = await client.get(address, headers=headers)
    assert response["Content-Type"] == "text/event-stream"
    async for chunk in response.streaming_content:
        for line in chunk.decode().splitlines():
            if line.startswith(("event:", ":")):
                yield line.removeprefix("event:").strip()


async def changed(workspace: Workspace, topic: str) -> None:
    await sync_to_async(announce)(workspace, topic, now=timezone.now())


def test_a_change_reaches_an_open_stream(browser, workspace, monkeypatch):
    async def conversation() -> None:
        stream = events(browser, "/live/muster/?topics=conversations,runs")
        assert await anext(stream) == ": connected"
        await asyncio.sleep(0.5)
        await changed(workspace, "conversations")
        assert await anext(stream) == "conversations"
        await stream.aclose()

    run(conversation, monkeypatch)


def test_other_topics_and_other_workspaces_are_not_heard(browser, workspace, monkeypatch):
    other = Workspace.objects.create(name="Fremd", slug="fremd")

    async def conversation() -> None:
        stream = events(browser, "/live/muster/?topics=runs")
        await anext(stream)
        await asyncio.sleep(0.5)
        await changed(other, "runs")
        await changed(workspace, "conversations")
        await changed(workspace, "runs")
        assert await anext(stream) == "runs"
        pending = asyncio.ensure_future(anext(stream))
        await asyncio.sleep(0.5)
        assert not pending.done()
        pending.cancel()

    run(conversation, monkeypatch)


def test_a_stream_catches_up_after_its_last_event(browser, workspace, monkeypatch):
    now = timezone.now()
    Change.objects.create(workspace=workspace, topic="old", created_at=now - timedelta(minutes=3))
    last = Change.objects.create(workspace=workspace, topic="seen", created_at=now - timedelta(minutes=2))
    Change.objects.create(workspace=workspace, topic="missed", created_at=now - timedelta(minutes=1))

    async def conversation() -> None:
        stream = events(browser, "/live/muster/", **{"Last-Event-ID": str(last.pk)})
        assert [await anext(stream), await anext(stream)] == [": connected", "missed"]
        await stream.aclose()

    run(conversation, monkeypatch)


def test_an_event_that_is_no_longer_kept_means_fetch_all(browser, workspace, monkeypatch):
    async def conversation() -> None:
        stream = events(browser, "/live/muster/?last_event_id=4711")
        assert [await anext(stream), await anext(stream)] == [": connected", "all"]
        await stream.aclose()

    run(conversation, monkeypatch)


def test_streams_end_when_the_server_is_told_to_stop(browser, workspace, monkeypatch):
    async def conversation() -> None:
        stream = events(browser, "/live/muster/")
        await anext(stream)
        await asyncio.sleep(0.3)
        for module in ("config.live.hub", "config.live.views"):
            monkeypatch.setattr(f"{module}.is_stopping", lambda: True)
        assert [event async for event in stream] == []

    run(conversation, monkeypatch)


def test_nobody_logged_in_gets_401_and_a_stranger_404(workspace, monkeypatch):
    stranger = logged_in("mallory@example.org")

    async def conversation() -> None:
        assert (await AsyncClient().get("/live/muster/")).status_code == 401
        assert (await stranger.get("/live/muster/")).status_code == 404
        assert (await stranger.get("/live/nowhere/")).status_code == 404

    run(conversation, monkeypatch)


def test_a_change_that_is_committed_late_is_still_seen(workspace):
    now = timezone.now()
    reader = ChangeReader()
    reader.read()
    Change.objects.create(id=20, workspace=workspace, topic="later", created_at=now)
    assert [seen.topic for seen in reader.read()] == ["later"]
    Change.objects.create(id=10, workspace=workspace, topic="earlier", created_at=now)
    assert [seen.topic for seen in reader.read()] == ["earlier"]
    assert reader.read() == []
