"""Coverage-guided fuzzing of all parsers of foreign input; started by hand.

    python -m venv fuzz && fuzz/bin/pip install atheris -e .
    fuzz/bin/python tests/fuzz/fuzz_parsers.py sdp -max_total_time=120 [CORPUS_DIR]

The first argument names the parser: ``sdp``, ``retry_after``, ``profile``, ``policy``, ``record``, ``journal``,
``xml``, ``authorization``, ``http``. A parser may only return, or raise what its docstring says.
Add each finding as a case to ``tests/fuzz/test_parsers.py``.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import atheris

with atheris.instrument_imports():
    from tests.fuzz.parsers import PARSERS


def main() -> None:
    name = sys.argv.pop(1) if len(sys.argv) > 1 else ""
    if name not in PARSERS:
        raise SystemExit(f"which parser? {', '.join(PARSERS)}")
    parse: Callable[[bytes], object] = PARSERS[name]
    atheris.Setup(sys.argv, parse)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
