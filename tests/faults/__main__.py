"""Cause all faults, and print docs/faults.md: python -m tests.faults > docs/faults.md"""

from __future__ import annotations

import sys

from tests.faults.cases import CASES
from tests.faults.matrix import a_softphone_process, document, observed
from tests.faults.proxies import missing


def main() -> int:
    if lacking := {missing(case.by) for case in CASES} - {""}:
        print(f"these programs are needed: {', '.join(sorted(lacking))}", file=sys.stderr)
        return 2
    with a_softphone_process() as process:
        print(document((case, observed(case, process.meet(case))) for case in CASES), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
