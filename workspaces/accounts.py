"""Logging in: by e-mail and password through allauth, with lock-out; nobody signs up by themselves."""

from typing import Any, ClassVar

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _


class AccountAdapter(DefaultAccountAdapter):
    """allauth with sign-up closed, since accounts are made by the team or by staff, and in our own words."""

    error_messages: ClassVar[dict[str, Any]] = {
        **DefaultAccountAdapter.error_messages,
        "account_inactive": _("This account is switched off. Ask an admin of your team."),
        "email_password_mismatch": _("E-mail address or password is not right."),
        "invalid_password_reset": _("This link has been used or is too old. Ask for a new one."),
        "too_many_login_attempts": _("Too many failed attempts. Try again in five minutes, or reset your password."),
        "rate_limited": _("Too many requests. Wait a moment and try again."),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False


def guard_admin_login() -> None:
    """Send the admin's login through the product's, so that its lock-out covers the admin too."""
    admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]
