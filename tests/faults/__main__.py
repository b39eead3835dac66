"""Make all faults happen, and print docs/faults.md: python -m tests.faults > docs/faults.md"""

from __future__ import annotations

import sys

from tests.faults.cases import CASES
from tests.faults.matrix import a_victim, document, happened
from tests.faults.proxies import missing


def main() -> int:
    if lacking := {missing(case.by) for case in CASES} - {""}:
        print(f"install {' and '.join(sorted(lacking))} first: these faults are real", file=sys.stderr)
        return 2
    with a_victim() as victim:
        print(document((case, happened(case, victim.suffer(case))) for case in CASES), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
