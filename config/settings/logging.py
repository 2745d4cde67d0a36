"""Log lines go to standard output: JSON in production, readable elsewhere. config/logs.py says what is in them."""

from typing import Any

from django.core.exceptions import ImproperlyConfigured

from config.settings.environment import env

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
LOGGING_CONFIG = "config.logs.configure"


def logging_settings(*, as_json: bool, level: str) -> dict[str, Any]:
    """Django's LOGGING; `level` where LOG_LEVEL names none. Raises ImproperlyConfigured for one that there is not."""
    level = env.str("LOG_LEVEL", default="").upper() or level
    if level not in LEVELS:
        raise ImproperlyConfigured(f"LOG_LEVEL must be one of {', '.join(LEVELS)}, not {level!r}.")
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": "config.logs.formatter", "as_json": as_json}},
        "handlers": {
            "out": {"class": "logging.StreamHandler", "stream": "ext://sys.stdout", "formatter": "line"},
        },
        "root": {"handlers": ["out"], "level": level},
        "loggers": {
            # Each request has a line of ours; these would say it again, with the query.
            "django.server": {"handlers": [], "level": "ERROR", "propagate": True},
            "django": {"handlers": [], "level": "WARNING", "propagate": True},
            "django-q": {"level": "WARNING"},
            "httpx": {"level": "WARNING"},
            "httpcore": {"level": "WARNING"},
            "openai": {"level": "WARNING"},
        },
    }


LOGGING = logging_settings(as_json=False, level="WARNING")
