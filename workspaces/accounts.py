"""Logging in: by e-mail and password through allauth, with lock-out; nobody signs up by themselves."""

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.http import HttpRequest


class AccountAdapter(DefaultAccountAdapter):
    """allauth with sign-up closed: accounts are made by the team or by staff."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False


def guard_admin_login() -> None:
    """Send the admin's login through the product's, so that its lock-out covers the admin too."""
    admin.site.login = secure_admin_login(admin.site.login)
