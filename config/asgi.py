"""What the web server runs: pages and webhooks on threads, `/live/` fully asynchronous."""

import os

import django
from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.production")
django.setup(set_prefix=False)

from config.frontdoor import FrontDoor, OnThreads  # noqa: E402
from config.live.handler import LiveHandler  # noqa: E402
from config.wsgi import application as _pages  # noqa: E402

# Django's ASGI handler costs a page a thread and a connection (3.7 ms of CPU against 1.3), so only streams get it.
application = FrontDoor(
    pages=OnThreads(_pages, threads=settings.WEB_THREADS),
    live=LiveHandler(),
    max_body_bytes=settings.DATA_UPLOAD_MAX_MEMORY_SIZE,
)
