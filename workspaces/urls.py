"""Pages of workspaces: the front door, logging in, language and appearance."""

from allauth.account import views as account
from django.urls import URLPattern, URLResolver, path, re_path

from workspaces.views.home import home, preferences
from workspaces.views.styleguide import styleguide

# Only what we offer of allauth, under the names that it reverses itself.
ACCOUNT_URLS = [
    path("accounts/login/", account.login, name="account_login"),
    path("accounts/logout/", account.logout, name="account_logout"),
    path("accounts/inactive/", account.account_inactive, name="account_inactive"),
    path("accounts/password/reset/", account.password_reset, name="account_reset_password"),
    path("accounts/password/reset/done/", account.password_reset_done, name="account_reset_password_done"),
    re_path(
        r"^accounts/password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
        account.password_reset_from_key,
        name="account_reset_password_from_key",
    ),
    path(
        "accounts/password/reset/key/done/",
        account.password_reset_from_key_done,
        name="account_reset_password_from_key_done",
    ),
]

urlpatterns: list[URLPattern | URLResolver] = [
    path("", home, name="home"),
    path("i18n/preferences/", preferences, name="preferences"),
    path("styleguide/", styleguide, name="styleguide"),
    *ACCOUNT_URLS,
]
