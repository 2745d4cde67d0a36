"""`python -m tests.runtime.supervised SPEC`: a supervisor over small scripts, for the tests of its rules."""

import json
import sys
from pathlib import Path

from config.supervisor.child import Program
from config.supervisor.loop import Supervisor


def program(spec: dict) -> Program:
    """A program that runs the given Python source."""
    heartbeat = Path(spec["heartbeat"]) if "heartbeat" in spec else None
    return Program(
        spec["name"],
        argv=(sys.executable, "-S", "-u", "-c", spec["source"]),
        heartbeat=heartbeat,
        silence_seconds=spec.get("silence_seconds", 30),
        address=spec.get("address", ""),
        serves_others=spec.get("serves_others", False),
    )


if __name__ == "__main__":
    programs = [program(spec) for spec in json.loads(sys.argv[1])]
    sys.exit(Supervisor(programs, on_ready=lambda: print("ready", flush=True)).run())
