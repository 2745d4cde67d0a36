"""The suite: cheap hashing, plain static files, a file database (threads and processes need one)."""

import os
import tempfile

# Side by side, each worker of the suite has a folder and a Redis database of its own.
_WORKER = os.environ.get("PYTEST_XDIST_WORKER", "")
if _WORKER and _WORKER not in os.environ.get("DATA_DIR", ""):
    os.environ["DATA_DIR"] = tempfile.mkdtemp(prefix=f"botenwerk-test-{_WORKER}-")
    if os.environ.get("REDIS_URL"):
        _server, _slash, _number = os.environ["REDIS_URL"].rpartition("/")
        os.environ["REDIS_URL"] = f"{_server}/{int(_WORKER.removeprefix('gw')) + 1}"
os.environ.setdefault("DATA_DIR", tempfile.mkdtemp(prefix="botenwerk-test-"))

from config.settings.base import *  # noqa: E402 -- the base reads the environment as it is imported

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
if DATABASES["default"]["ENGINE"] == "workspaces.sqlite":
    # Without a name Django takes a shared memory database, in which a second writer fails instead of waiting.
    DATABASES["default"]["TEST"] = {"NAME": str(DATA_DIR / "test.sqlite3")}
