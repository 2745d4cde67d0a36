"""Numbers: the list, one number with what its check found, connecting, pausing, disconnecting."""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from messaging.errors import ConnectionRefused
from messaging.forms import DisconnectForm, LostAnswersForm, NumberForm
from messaging.models import Sender
from messaging.services.breaker import breaker_of, open_breakers, waiting_count
from messaging.services.senders import (
    check_sender,
    connect_sender,
    findings_of,
    pause_sender,
    resume_sender,
    retire_sender,
    set_unknown_policy,
    switch_ai_answers,
)
from messaging.views.figures import recipients_of_a_day
from messaging.views.sender_days import days_of
from workspaces.errors import BotenwerkError, stored_error
from workspaces.models import Workspace
from workspaces.permissions import may, requires
from workspaces.request import WorkspaceRequest

# What the check of a part means when it is well.
IN_ORDER = {
    "token": gettext_lazy("The access token is valid"),
    "number": gettext_lazy("The number is known to WhatsApp"),
    "account": gettext_lazy("The number belongs to the business account"),
    "webhook": gettext_lazy("Messages of customers come in"),
}


@require_safe
@requires("workspace.read")
def sender_list(request: WorkspaceRequest) -> HttpResponse:
    """All numbers in use, and the one that needs someone, else the first."""
    rows = _numbers(request.workspace)
    shown = next((row["sender"] for row in rows if row["sender"].shown_status != Sender.Status.ONLINE), None)
    shown = shown or (rows[0]["sender"] if rows else None)
    if shown is None:
        return render(request, "messaging/senders.html", {"rows": []})
    return _page(request, shown, rows=rows)


@require_safe
@requires("workspace.read")
def sender_detail(request: WorkspaceRequest, sender_id: UUID) -> HttpResponse:
    """One number beside the list."""
    return _page(request, _find(request, sender_id))


@require_http_methods(["GET", "HEAD", "POST"])
@requires("sender.edit")
def connect(request: WorkspaceRequest) -> HttpResponse:
    """Connect a number: each part is called, and what is refused says so at its field."""
    form = NumberForm(request.POST if request.method == "POST" else None)
    error: BotenwerkError | None = None
    if request.method == "POST" and form.is_valid():
        try:
            sender = connect_sender(
                workspace=request.workspace, number=form.number(), by=request.membership, now=timezone.now()
            )
        except BotenwerkError as refusal:
            error = _place(form, refusal)
        else:
            messages.success(request, _("%(sender)s is connected.") % {"sender": sender})
            return _to(request, sender)
    context = {"form": form, "error": error, "callback_address": f"{settings.PUBLIC_URL}{reverse('app_webhook')}"}
    return render(request, "messaging/connect.html", context, status=422 if form.errors or error else 200)


@require_POST
@requires("sender.check")
def check(request: WorkspaceRequest, sender_id: UUID) -> HttpResponse:
    """Call each part now."""
    sender = _find(request, sender_id)
    try:
        check_sender(sender, timezone.now())
    except BotenwerkError as error:
        return _page(request, sender, error=error, status=409)
    return _to(request, sender)


@require_POST
@requires("sender.edit")
def pause(request: WorkspaceRequest, sender_id: UUID) -> HttpResponse:
    """Nothing goes out until it is resumed."""
    sender = _find(request, sender_id)
    pause_sender(sender, by=request.membership, now=timezone.now())
    return _to(request, sender)


@require_POST
@requires("sender.edit")
def resume(request: WorkspaceRequest, sender_id: UUID) -> HttpResponse:
    """Undo a pause."""
    sender = _find(request, sender_id)
    resume_sender(sender, by=request.membership, now=timezone.now())
    return _to(request, sender)


@require_POST
@requires("sender.edit")
def ai_answers(request: WorkspaceRequest, sender_id: UUID) -> HttpResponse:
    """The switch: the assistant answers what no flow answers, or does not."""
    sender = _find(request, sender_id)
    switch_ai_answers(sender, is_on=request.POST.get("is_on") == "1", by=request.membership, now=timezone.now())
    return _to(request, sender)


@require_POST
@requires("sender.edit")
def lost_answers(request: WorkspaceRequest, sender_id: UUID) -> HttpResponse:
    """Hold a message whose answer was lost, or send it again."""
    sender = _find(request, sender_id)
    form = LostAnswersForm(request.POST)
    if not form.is_valid():
        return _page(request, sender, lost_answers_form=form, status=422)
    policy = form.cleaned_data["unknown_policy"]
    set_unknown_policy(sender, policy, by=request.membership, now=timezone.now())
    messages.success(request, _("Saved."))
    return _to(request, sender)


@require_POST
@requires("sender.edit")
def disconnect(request: WorkspaceRequest, sender_id: UUID) -> HttpResponse:
    """Disconnect after its name was typed: the history stays, the secrets go."""
    sender = _find(request, sender_id)
    form = DisconnectForm(sender, request.POST)
    if not form.is_valid():
        return _page(request, sender, disconnect_form=form, status=422)
    retire_sender(sender, by=request.membership, now=timezone.now())
    messages.success(request, _("%(sender)s is disconnected.") % {"sender": sender})
    return HttpResponseRedirect(reverse("senders", args=[request.workspace.slug]))


def _page(
    request: WorkspaceRequest,
    sender: Sender,
    *,
    rows: list[dict[str, Any]] | None = None,
    error: BotenwerkError | None = None,
    disconnect_form: DisconnectForm | None = None,
    lost_answers_form: LostAnswersForm | None = None,
    status: int = 200,
) -> HttpResponse:
    findings = findings_of(sender)
    bad = sum(not finding.is_ok for finding in findings)
    is_admin = may(request.membership, "sender.edit")
    breaker = breaker_of(sender)
    context = {
        "rows": _numbers(request.workspace) if rows is None else rows,
        "sender": sender,
        "findings": [
            {"finding": each, "title": IN_ORDER.get(each.part, each.label), "detail": _detail(sender, each.part)}
            for each in findings
        ],
        "bad": bad,
        "well": len(findings) - bad,
        "days": days_of(request.workspace, [sender], timezone.now())[sender.pk],
        "error": error,
        "callback_address": f"{settings.PUBLIC_URL}{reverse('sender_webhook', args=[sender.public_id])}",
        # A secret: only who may change it sees it.
        "verify_token": sender.verify_token if is_admin else "",
        "may_edit": is_admin,
        "may_check": may(request.membership, "sender.check"),
        "disconnect_form": disconnect_form or DisconnectForm(sender),
        "is_refused": disconnect_form is not None,
        "lost_answers_form": lost_answers_form or LostAnswersForm(initial={"unknown_policy": sender.unknown_policy}),
        "breaker": breaker,
        "waiting": waiting_count(sender) if breaker.is_open else 0,
    }
    return render(request, "messaging/senders.html", context, status=status)


def _detail(sender: Sender, part: str) -> str:
    """What the part says of itself where it is in order."""
    details = {
        "number": f"{sender.phone} · {sender.display_name}".strip(" ·"),
        "account": sender.business_account_id,
    }
    return details.get(part, "")


def _numbers(workspace: Workspace) -> list[dict[str, Any]]:
    rows = Sender.objects.in_workspace(workspace).filter(retired_at=None).select_related("assistant", "workspace")
    used, held = recipients_of_a_day(workspace, timezone.now()), open_breakers(workspace)
    return [
        {"sender": sender, "used": used.get(sender.pk, 0), "is_held": sender.pk in held}
        for sender in rows.order_by("display_name", "id")
    ]


def _find(request: WorkspaceRequest, sender_id: UUID) -> Sender:
    rows = Sender.objects.in_workspace(request.workspace).filter(retired_at=None)
    return get_object_or_404(rows.select_related("assistant", "workspace"), public_id=sender_id)


def _place(form: NumberForm, refusal: BotenwerkError) -> BotenwerkError | None:
    """Each refused part at its field; None where every part found its place."""
    if isinstance(refusal, ConnectionRefused):
        for finding in refusal.facts["findings"]:
            field = form.FIELD_OF_PART.get(finding["part"])
            if not finding["is_ok"] and field:
                form.add_error(field, stored_error(finding["code"], finding["facts"]).for_person())
        return refusal
    if refusal.field in form.fields:
        form.add_error(refusal.field, refusal.for_person())
        return None
    return refusal


def _to(request: WorkspaceRequest, sender: Sender) -> HttpResponse:
    return HttpResponseRedirect(reverse("sender", args=[request.workspace.slug, sender.public_id]))
