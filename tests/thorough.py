"""How many rounds a race gets, and how many examples a property: all of them where THOROUGH=1 says so (.ci/run)."""

import os

IS_THOROUGH = os.environ.get("THOROUGH") == "1"


def times(full: int) -> int:
    """`full` in the checks, a tenth of it for whoever works on the code and waits for `make test`."""
    return full if IS_THOROUGH else max(1, full // 10)
