"""The webhook: verify, store, wake a worker, 200. Nothing else happens in the request."""

import hmac
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.db import Error as DatabaseFailure
from django.http import HttpResponse
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.parsers import BaseParser
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from messaging.models import Sender
from messaging.services.webhook_intake import note_refusal, take_in
from messaging.webhooks.cloud_api import NotOurBody, demand_envelope, is_signed_with


class RawBodyParser(BaseParser):
    """The bytes as they came, whatever they say they are: the signature is over them."""

    media_type = "*/*"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        """The bytes; nothing is read out of them here."""
        return bytes(stream.read())


class BadSignature(AuthenticationFailed):
    """The bytes were not signed with the secret of this address."""

    status_code = 403


class UnknownAddress(Exception):
    """No sender in use has this address."""


class PlatformSignature(BaseAuthentication):
    """X-Hub-Signature-256 over the raw body, with the secret of the address (never one named by the body)."""

    def authenticate(self, request: Request) -> tuple[Any, str] | None:
        if request.method != "POST":
            return None
        view: WebhookView = request.parser_context["view"]
        try:
            body = request._request.body
        except RequestDataTooBig:
            note_refusal(sender=view.sender, reason="too_large", body=b"", now=timezone.now())
            raise
        signature = request.headers.get("X-Hub-Signature-256", "")
        if not is_signed_with(body, signature, view.secret()):
            reason = "no_secret" if not view.secret() else "bad_signature" if signature else "no_signature"
            note_refusal(sender=view.sender, reason=reason, body=body, now=timezone.now())
            raise BadSignature(reason)
        return None, signature


class WebhookView(APIView):
    """Verification handshake (GET) and deliveries (POST) of one sender's address, or of the app's."""

    authentication_classes = (PlatformSignature,)
    permission_classes = (AllowAny,)
    parser_classes = (RawBodyParser,)
    throttle_classes = ()
    schema = None
    sender: Sender | None = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        self.sender = self.find_sender(kwargs.get("sender_id"))
        super().initial(request, *args, **kwargs)

    def find_sender(self, sender_id: UUID | None) -> Sender | None:
        """The sender of the address; 404 for one that is not in use. The app's address has none."""
        if sender_id is None:
            return None
        senders = Sender.objects.across_workspaces().select_related("workspace")
        sender = senders.filter(public_id=sender_id, retired_at=None).first()
        if sender is None:
            raise UnknownAddress
        return sender

    def secret(self) -> str:
        """The app secret that deliveries to this address are signed with."""
        return self.sender.app_secret if self.sender else settings.WHATSAPP_APP_SECRET

    def get(self, request: Request, **_kwargs: Any) -> HttpResponse:
        """The platform's handshake: the challenge back as plain text, if it knows the verify token."""
        expected = self.sender.verify_token if self.sender else settings.WHATSAPP_VERIFY_TOKEN
        given = request.query_params.get("hub.verify_token", "")
        is_handshake = request.query_params.get("hub.mode") == "subscribe"
        if not (is_handshake and expected and hmac.compare_digest(given.encode(), expected.encode())):
            note_refusal(sender=self.sender, reason="bad_verify_token", body=b"", now=timezone.now())
            return HttpResponse("verify token does not match", status=403, content_type="text/plain")
        return HttpResponse(request.query_params.get("hub.challenge", ""), content_type="text/plain")

    def post(self, request: Request, **_kwargs: Any) -> Response:
        """Store and acknowledge. What is signed and yet no JSON object is refused: it would never be understood."""
        body = request._request.body
        try:
            demand_envelope(body)
        except NotOurBody:
            note_refusal(sender=self.sender, reason="no_json", body=body, now=timezone.now())
            return Response({"error": "no JSON object"}, status=400)
        take_in(sender=self.sender, body=body, now=timezone.now())
        return Response({"received": True})

    def handle_exception(self, exc: Exception) -> Response:
        """Plain answers: the platform reads the status only. 503 makes it come again."""
        if isinstance(exc, UnknownAddress):
            return Response({"error": "unknown address"}, status=404)
        if isinstance(exc, RequestDataTooBig):
            return Response({"error": "too large"}, status=413)
        if isinstance(exc, DatabaseFailure):
            return Response({"error": "database away"}, status=503)
        if isinstance(exc, AuthenticationFailed):
            return Response({"error": str(exc.detail)}, status=403)
        return super().handle_exception(exc)
