"""What is said once everything answers: address, login, and `demo.json` for scripts."""

import json
import os
import sys
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string

from config.supervisor.table import address


def facts_file() -> Path:
    """Where scripts find the running demo."""
    return Path(settings.DATA_DIR) / "demo.json"


def announce(names: list[str]) -> None:
    """Print the address (and the demo's login), and write the demo's facts; runs in a process of its own."""
    print(f"\n  Botenwerk: {settings.PUBLIC_URL}", flush=True)  # noqa: T201
    if settings.DEMO:
        facts = _with_addresses(import_string("config.demo.demo_facts")(), names)
        write_facts(facts)
        login = facts["login"]
        print(f"  Login:     {login['email']}  {login['password']}", flush=True)  # noqa: T201
    print("  Stop with Ctrl-C.\n", flush=True)  # noqa: T201


def announce_apart(names: list[str]) -> None:
    """`announce` in a fork, waited for: the supervisor itself holds no database connection."""
    sys.stdout.flush()
    process_id = os.fork()
    if process_id == 0:
        code = 1
        try:
            announce(names)
            code = 0
        except Exception as error:
            print(f"supervisor: the demo's facts are missing: {error!r}", file=sys.stderr, flush=True)  # noqa: T201
        finally:
            os._exit(code)
    os.waitpid(process_id, 0)


def write_facts(facts: dict[str, Any]) -> None:
    """Write `demo.json` in one step, readable by the owner only: it holds passwords and keys."""
    path = facts_file()
    unfinished = path.with_suffix(".json.new")
    unfinished.unlink(missing_ok=True)
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as handle:
        json.dump(facts, handle, indent=2, ensure_ascii=False)
        handle.write("\n")
    unfinished.replace(path)


def _with_addresses(facts: dict[str, Any], names: list[str]) -> dict[str, Any]:
    addresses = {"web": settings.PUBLIC_URL}
    if "emulator" in names:
        addresses["emulator"] = address("emulator")
    if "model" in names:
        addresses["model"] = f"{address('model')}/v1"
    return {**addresses, **facts}
