"""Behind TLS, on the internet."""

from config.settings.base import *
from config.settings.environment import boolean, integer
from config.settings.logging import logging_settings

# Read by machines: one JSON object a line, with request, workspace, run and message ids.
LOGGING = logging_settings(as_json=True, level="INFO")

SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_SSL_REDIRECT = boolean("SECURE_SSL_REDIRECT", default=True)
SECURE_HSTS_SECONDS = integer("SECURE_HSTS_SECONDS", 31_536_000)
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SECURE_HSTS_PRELOAD = True
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]
