"""One machine, `make run`: plain HTTP on the loopback address, the emulator on PORT+1, the demo model on PORT+2."""

import os

from config.settings.environment import integer

os.environ.setdefault("EMULATOR_URL", f"http://127.0.0.1:{integer('PORT', 8000) + 1}")
os.environ.setdefault("MODEL_HOSTS_ALLOWED", f"127.0.0.1:{integer('PORT', 8000) + 2}")

from config.settings.base import *
