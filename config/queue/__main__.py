"""`python -m config.queue fast`: one cluster alone, for machines whose own supervisor starts it."""

import os
import sys

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.production")
django.setup()

from config.queue.cluster import run_cluster  # noqa: E402

if __name__ == "__main__":
    sys.exit(run_cluster(sys.argv[1] if len(sys.argv) > 1 else "fast"))
