"""Pages, API and webhooks as WSGI; config.asgi runs it on threads, `granian --interface wsgi` alone."""

import os
from collections.abc import Callable, Iterator
from typing import Any

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.production")
_django = get_wsgi_application()


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterator[bytes]:
    """Django's WSGI application, closed at its end: the bridge to ASGI forgets to, and Django cleans up there."""
    response = _django(environ, start_response)
    try:
        yield from response
    finally:
        close = getattr(response, "close", None)
        if close is not None:
            close()
