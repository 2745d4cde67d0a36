"""One machine, `make run`: plain HTTP on the loopback address."""

from config.settings.base import *  # noqa: F403
