"""Which of our languages a reader is shown."""

from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import get_supported_language_variant
from django.utils.translation.trans_real import parse_accept_lang_header


def asked_language(request: HttpRequest) -> str | None:
    """The language that the request itself asks for (switch at the login page, then Accept-Language), or None."""
    wishes = [request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME, "")]
    wishes += [wish for wish, _quality in parse_accept_lang_header(request.headers.get("Accept-Language", ""))]
    for wish in wishes:
        if not wish or wish == "*":
            continue
        try:
            return get_supported_language_variant(wish)
        except LookupError:
            continue
    return None
