"""Reads the results: prints how many tests and runs each had, fails where one ran none or left some out."""

import json
import sys
from pathlib import Path
from xml.etree import ElementTree

SUITES = ("sqlite", "postgres", "browser")
STORMS = ("storm-sqlite", "storm-postgres")
STORM_RUNS = 40


def outcomes(path: Path) -> tuple[set[str], set[str]]:
    """The names of the tests that ran, and of those that were skipped."""
    ran, skipped = set(), set()
    for case in ElementTree.parse(path).iter("testcase"):  # noqa: S314 (our own file)
        name = f"{case.get('classname')}::{case.get('name')}"
        (skipped if case.find("skipped") is not None else ran).add(name)
    return ran, skipped


def storm_problems(name: str, path: Path) -> list[str]:
    """What is wrong with a storm: it left no results, had too few runs or killed nobody."""
    if not path.exists():
        return [f"{name} left no results"]
    found = json.loads(path.read_text())
    print(f"{name:15} {found['runs']:5} runs {found['killed']:5} killed")  # noqa: T201
    is_whole = found["runs"] >= STORM_RUNS and found["killed"] and not found["wrong"]
    return [] if is_whole else [f"{name}: {found}"]


def main(results: Path) -> int:
    """0 if every suite ran, and each test that one database skips ran on the other."""
    problems = []
    ran_anywhere: set[str] = set()
    skipped_by: dict[str, set[str]] = {}
    for suite in SUITES:
        path = results / f"{suite}.xml"
        if not path.exists():
            problems.append(f"{suite} left no results")
            continue
        ran, skipped_by[suite] = outcomes(path)
        ran_anywhere |= ran
        print(f"{suite:10} {len(ran):5} ran {len(skipped_by[suite]):5} skipped")  # noqa: T201
        if not ran:
            problems.append(f"{suite} ran no test")
    for storm in STORMS:
        problems += storm_problems(storm, results / f"{storm}.json")
    for suite, skipped in skipped_by.items():
        problems += [f"{suite} skipped {name}, and nothing else ran it" for name in sorted(skipped - ran_anywhere)]
    for problem in problems:
        print(problem, file=sys.stderr)  # noqa: T201
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
