"""`make bench`: runs every benchmark and prints its figures."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.test")
django.setup()

from tests.benchmarks.write_lock import compare  # noqa: E402

if __name__ == "__main__":
    compare()
