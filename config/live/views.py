"""`GET /live/<workspace>/?topics=...`: server-sent events for one tab, asynchronous from end to end."""

import asyncio
from collections.abc import AsyncIterator

from asgiref.sync import sync_to_async
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils import timezone
from django.views.decorators.http import require_GET

from config.live.changes import Seen, missed
from config.live.hub import ALL, hub
from workspaces.models import Membership
from workspaces.stopping import is_stopping

MAX_TOPICS = 50
# Proxies close what is silent for a minute; the comment also finds a client that has gone.
KEEP_ALIVE_SECONDS = 15.0
RECONNECT_MILLISECONDS = 2000


@require_GET
async def stream(request: HttpRequest, slug: str) -> HttpResponseBase:
    """What changes in a workspace of the user's: event name and data are the topic, the id is the change's.

    `topics` is a comma-separated list (none: every topic). `Last-Event-ID`, or `last_event_id` in the query,
    catches up after a break; the event `all` says that too much was missed and everything is to be fetched.
    401 for nobody logged in (a redirect would be read as a stream), 404 for a stranger.
    """
    if not await sync_to_async(_is_logged_in)(request):
        return HttpResponse(status=401)
    workspace_id = await sync_to_async(_workspace_id)(request, slug)
    topics = frozenset(topic for topic in request.GET.get("topics", "").split(",") if topic)
    if len(topics) > MAX_TOPICS:
        return HttpResponse(status=400)
    headers = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
    events = _events(workspace_id, topics, _last_event_id(request))
    return StreamingHttpResponse(events, content_type="text/event-stream", headers=headers)


def _is_logged_in(request: HttpRequest) -> bool:
    return request.user.is_authenticated and request.user.is_active


def _workspace_id(request: HttpRequest, slug: str) -> int:
    user_id = request.user.pk or 0
    memberships = Membership.objects.filter(user_id=user_id, workspace__slug=slug, workspace__is_paused=False)
    workspace_id = memberships.values_list("workspace_id", flat=True).first()
    if workspace_id is None:
        raise Http404
    return workspace_id


def _last_event_id(request: HttpRequest) -> int | None:
    given = request.headers.get("Last-Event-ID") or request.GET.get("last_event_id", "")
    return int(given) if given.isdigit() and len(given) < 19 else None


async def _events(workspace_id: int, topics: frozenset[str], last_id: int | None) -> AsyncIterator[bytes]:
    with hub.subscription(workspace_id, topics) as subscription:
        yield f"retry: {RECONNECT_MILLISECONDS}\n: connected\n\n".encode()
        earlier = await sync_to_async(missed)(workspace_id, topics, last_id=last_id, now=timezone.now())
        sent = set()
        for change in [Seen(last_id or 0, workspace_id, ALL)] if earlier is None else earlier:
            sent.add(change.id)
            yield _frame(change)
        while not is_stopping():
            try:
                async with asyncio.timeout(KEEP_ALIVE_SECONDS):
                    new = await subscription.waiting.get()
            except TimeoutError:
                yield b": alive\n\n"
                continue
            if new is None:
                return
            if new.topic == ALL or new.id not in sent:
                yield _frame(new)


def _frame(change: Seen) -> bytes:
    return f"id: {change.id}\nevent: {change.topic}\ndata: {change.topic}\n\n".encode()
