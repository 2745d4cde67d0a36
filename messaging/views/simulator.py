"""The phone simulator of demo numbers: we type as the customer, the emulator does the rest over signed webhooks."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from messaging.emulator.client import EmulatorClient, EmulatorRefused
from messaging.errors import InvalidPhoneNumber
from messaging.forms import CustomerForm
from messaging.models import Chat, Conversation, Message, Sender
from messaging.phone import PhoneProblem, parse_e164
from messaging.views.composer import composer_context
from messaging.views.conversations import talk_context
from messaging.views.thread import find_conversation, optional_url, preview_text
from workspaces.models import Workspace
from workspaces.permissions import requires
from workspaces.request import WorkspaceRequest

ADDRESS_KEY = "emulator"
SHOWN = 20
TEXT_LIMIT = 4096
TIMEOUT_SECONDS = 5.0
NO_CUSTOMER = ("+436641234599", "Eva Novak")


@dataclass(frozen=True, kw_only=True)
class Phone:
    """Whose phone is in the hand, and which of our numbers is open on it."""

    sender: Sender
    number: str
    name: str
    chat: Chat | None

    @property
    def query(self) -> str:
        return f"sender={self.sender.public_id}&phone=%2B{self.number.removeprefix('+')}"


@require_safe
@requires("simulator.use")
def simulator(request: WorkspaceRequest) -> HttpResponse:
    """Phone, inbox and run side by side; htmx fetches each of them anew (`?part=`)."""
    senders = _senders(request.workspace)
    if not senders:
        return render(request, "messaging/no_simulator.html")
    phone = _phone(request, senders)
    part = request.GET.get("part", "")
    if part == "phone":
        return _screen(request, phone)
    shown = _conversation(request.workspace, phone)
    run_id = _newest_run(request.workspace, phone)
    if part == "thread" and shown is not None and request.GET.get("has") == str(shown.public_id):
        return HttpResponse(status=204)
    if part == "run" and request.GET.get("has") == run_id:
        return HttpResponse(status=204)
    context = _context(request, phone, senders, shown, run_id)
    if part in ("thread", "run", "list", "steps"):
        return render(request, f"messaging/_simulator_{part}.html", context)
    return render(request, "messaging/simulator.html", context | _screen_context(phone))


@require_POST
@requires("simulator.use")
def write_as_customer(request: WorkspaceRequest) -> HttpResponse:
    """The customer writes, taps a button or chooses from a list; what comes of it arrives as it would from WhatsApp."""
    senders = _senders(request.workspace)
    if not senders:
        return HttpResponse(status=404)
    phone = _phone(request, senders)
    text = request.POST.get("text", "").strip()[:TEXT_LIMIT]
    problem = ""
    try:
        if text:
            _write(phone, text, tapped=request.POST.get("tapped", ""), chosen=request.POST.get("chosen", ""))
    except (EmulatorRefused, OSError) as error:
        problem = str(error)
    if request.htmx:
        # 422 keeps what was typed in its field.
        return _screen(request, phone, problem=problem, status=422 if problem else 200)
    return HttpResponseRedirect(f"{reverse('simulator', args=[request.workspace.slug])}?{phone.query}")


@require_POST
@requires("simulator.use")
def choose_customer(request: WorkspaceRequest) -> HttpResponse:
    """Another phone: a customer who has written before, or a new one by number and name."""
    senders = _senders(request.workspace)
    if not senders:
        return HttpResponse(status=404)
    form = CustomerForm(request.POST)
    if form.is_valid():
        try:
            number = parse_e164(form.cleaned_data["phone"], region=request.workspace.region)
        except PhoneProblem as problem:
            form.add_error("phone", InvalidPhoneNumber.of(problem).for_person())
    if not form.is_valid():
        phone = _phone(request, senders)
        context = _context(
            request, phone, senders, _conversation(request.workspace, phone), _newest_run(request.workspace, phone)
        )
        context |= _screen_context(phone) | {"customer_form": form, "is_choosing": True}
        return render(request, "messaging/simulator.html", context, status=422)
    phone = Phone(sender=_phone(request, senders).sender, number=number, name=form.cleaned_data["name"], chat=None)
    request.session[f"simulator_name:{number}"] = phone.name
    return HttpResponseRedirect(f"{reverse('simulator', args=[request.workspace.slug])}?{phone.query}")


def has_simulator(workspace: Workspace) -> bool:
    """Whether one of the workspace's numbers speaks with the emulator."""
    return bool(settings.EMULATOR_URL) and _rows(workspace).exists()


def _rows(workspace: Workspace) -> Any:
    return Sender.objects.in_workspace(workspace).filter(address_key=ADDRESS_KEY, retired_at=None)


def _senders(workspace: Workspace) -> list[Sender]:
    """None where the installation has no emulator: a number of the real platform has no simulated phone."""
    return list(_rows(workspace).select_related("workspace").order_by("id")) if settings.EMULATOR_URL else []


def _client() -> EmulatorClient:
    return EmulatorClient(settings.EMULATOR_URL, timeout_seconds=TIMEOUT_SECONDS)


def _phone(request: WorkspaceRequest, senders: list[Sender]) -> Phone:
    """As the address or the form says; else the customer who wrote last."""
    asked = request.POST if request.method == "POST" else request.GET
    wanted = str(asked.get("sender", ""))
    sender = next((one for one in senders if str(one.public_id) == wanted), senders[0])
    chats = Chat.objects.in_workspace(request.workspace).select_related("contact", "sender", "workspace")
    try:
        number = parse_e164(str(asked.get("phone", "")), region=request.workspace.region)
    except PhoneProblem:
        newest = chats.filter(sender=sender, contact__phone__isnull=False, last_inbound_at__isnull=False)
        chat = newest.order_by("-last_inbound_at").first()
        number, name = (str(chat.contact.phone), str(chat.contact)) if chat else NO_CUSTOMER
        return Phone(sender=sender, number=number, name=name, chat=chat)
    chat = chats.filter(sender=sender, contact__phone=number).first()
    name = str(chat.contact) if chat else request.session.get(f"simulator_name:{number}", "")
    return Phone(sender=sender, number=number, name=name or number, chat=chat)


def _write(phone: Phone, text: str, *, tapped: str, chosen: str) -> None:
    client = _client()
    try:
        to, name = phone.sender.provider_number_id, phone.name if phone.name != phone.number else None
        if tapped:
            client.customer_taps(phone.number, to, text, context=tapped)
        elif chosen:
            client.customer_chooses(phone.number, to, text, context=chosen)
        else:
            client.customer_writes(phone.number, to, text, name=name)
    finally:
        client.close()


def _screen(request: WorkspaceRequest, phone: Phone, *, problem: str = "", status: int = 200) -> HttpResponse:
    context = {"phone": phone} | _screen_context(phone)
    context["problem"] = problem or context["problem"]
    return render(request, "messaging/_phone_screen.html", context, status=status)


def _screen_context(phone: Phone) -> dict[str, Any]:
    """What the customer sees. Looking at it is reading it."""
    client = _client()
    try:
        shown = client.customer_screen(phone.number, phone.sender.provider_number_id)
        client.customer_reads(phone.number, phone.sender.provider_number_id)
    except (EmulatorRefused, OSError) as error:
        return {"screen": [], "problem": str(error)}
    finally:
        client.close()
    for message in shown:
        message["at"] = datetime.fromtimestamp(float(message["at"]), UTC)
        message["is_ours"] = message["from"] == "customer"
    return {"screen": shown[-SHOWN * 2 :], "problem": ""}


def _conversation(workspace: Workspace, phone: Phone) -> Conversation | None:
    if phone.chat is None:
        return None
    newest = Conversation.objects.in_workspace(workspace).filter(chat=phone.chat).order_by("-id").first()
    return find_conversation(workspace, newest.public_id) if newest else None


def _newest_run(workspace: Workspace, phone: Phone) -> str:
    """The run that spoke to this customer last: messages say by what they were caused."""
    if phone.chat is None:
        return ""
    rows = Message.objects.in_workspace(workspace).filter(chat=phone.chat, cause_kind=Message.Cause.RUN)
    return rows.order_by("-id").values_list("cause_id", flat=True).first() or ""


def _context(
    request: WorkspaceRequest, phone: Phone, senders: list[Sender], shown: Conversation | None, run_id: str
) -> dict[str, Any]:
    workspace, now = request.workspace, timezone.now()
    rows = (
        Conversation.objects.in_workspace(workspace)
        .filter(closed_at=None, chat__sender__in=senders, chat__contact__phone__isnull=False)
        .select_related("chat__contact", "chat__sender")
        .order_by("-last_message_at", "-id")[:SHOWN]
    )
    context: dict[str, Any] = {
        "phone": phone,
        "senders": senders,
        "rows": [
            {
                "conversation": row,
                "contact": row.chat.contact,
                "preview": preview_text(row),
                "is_ours": row.last_message_direction == "out",
            }
            for row in rows
        ],
        "current": shown,
        "run_id": run_id,
        "run_url": optional_url("run", workspace.slug, run_id) if run_id else "",
        "run_picture_url": optional_url("run_picture", workspace.slug, run_id) if run_id else "",
        "customer_form": CustomerForm(),
        "steps": _steps(workspace, phone, run_id, now),
    }
    if shown is not None:
        context |= talk_context(request, shown) | composer_context(request, shown)
    return context


def _steps(workspace: Workspace, phone: Phone, run_id: str, now: datetime) -> dict[str, bool]:
    """What of the first five minutes was done with this phone today."""
    rows = Message.objects.in_workspace(workspace).filter(chat=phone.chat) if phone.chat else Message.objects.none()
    begin = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    said = list(rows.filter(occurred_at__gte=begin).values_list("direction", "cause_kind")) if phone.chat else []
    directions = [direction for direction, _cause in said]
    return {
        "wrote": "in" in directions,
        "answered": "out" in directions,
        "went_on": directions.count("in") > 1,
        "by_hand": any(cause == Message.Cause.PERSON for _direction, cause in said),
    }
