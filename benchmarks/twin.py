"""Whether a twin acts as the edge it was made from: hidden policy → probe → twin → the same profiles against both.

Runs the profiles against an edge whose policy the probe did not see, and against one with the probed policy. The
figures of the twin should overlap the spread of the other's repetitions.

    python benchmarks/twin.py --repeat 3
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.table import Table

from locust_softphone.runs.edge_process import EdgeProcess
from locust_softphone.runs.history import read_records
from locust_softphone.runs.record import RunRecord
from tables import Goal, show

PROFILES = ("burst-500", "burst-500-retry-after", "paced-50")
FIGURES = ("answered", "rate_limited.token", "rate_limited.handshake", "rate_limited.offer", "call_setup.p95")
HIDDEN = """\
limits:
  token: {rate: 60/s, burst: 260}
  handshake: {rate: 40/s, burst: 120}
  offer: {rate: 45/s, burst: 60}
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("profiles", nargs="*", default=PROFILES, help=f"default: {' '.join(PROFILES)}")
    parser.add_argument("--repeat", type=int, default=3, help="runs of each profile (default: 3)")
    parser.add_argument("--policy", type=Path, help="the hidden policy (default: one of this script)")
    parsed = parser.parse_args()
    with TemporaryDirectory() as name:
        folder = Path(name)
        hidden = folder / "hidden.yaml"
        hidden.write_text(parsed.policy.read_text() if parsed.policy else HIDDEN)
        twin = _probed(hidden, folder / "twin.yaml")
        print(twin.read_text())
        found = [_compared(parsed.profiles, policy, parsed.repeat, folder / policy.stem) for policy in (hidden, twin)]
    return _report(*found)


def _probed(hidden: Path, twin: Path) -> Path:
    """The twin of an edge with the hidden policy."""
    edge = EdgeProcess.start(hidden)
    try:
        _run("probe", "--host", edge.url, "--twin", str(twin))
    finally:
        edge.stop()
    return twin


def _compared(profiles: Sequence[str], policy: Path, repeat: int, runs: Path) -> list[RunRecord]:
    """The valid runs of these profiles against edges with this policy."""
    _run("compare", *profiles, "--policy", str(policy), "--repeat", str(repeat), "--runs", str(runs))
    records, problems = read_records(sorted(runs.glob("*-comparison")))
    for problem in problems:
        print(problem, file=sys.stderr)
    return [record for record in records if record.validity.valid]


def _run(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "locust_softphone", *arguments], check=False)


def _report(hidden: list[RunRecord], twin: list[RunRecord]) -> int:
    """Print the figures of both; returns the exit code."""
    table = Table("profile", "edge", "valid runs", *(figure.replace("_", " ") for figure in FIGURES))
    within = total = 0
    for profile in dict.fromkeys(record.name for record in (*hidden, *twin)):
        real, copied = ([each for each in records if each.name == profile] for records in (hidden, twin))
        overlaps = [_overlap(_values(real, figure), _values(copied, figure)) for figure in FIGURES]
        within, total = within + sum(overlaps), total + len(overlaps)
        table.add_row(profile, "hidden", f"{len(real)}", *(_spread(_values(real, figure)) for figure in FIGURES))
        cells = (
            _spread(_values(copied, figure)) if overlap else f"[bold red]{_spread(_values(copied, figure))}"
            for figure, overlap in zip(FIGURES, overlaps, strict=True)
        )
        table.add_row("", "twin", f"{len(copied)}", *cells, end_section=True)
    goal = Goal("figures of the twin overlap the spread of the runs", f"{within} of {total}", 0 < total == within)
    return show(table, [goal], "lowest and highest value of valid runs, real edges over loopback")


def _values(records: Sequence[RunRecord], figure: str) -> list[float]:
    """The values of a figure in all runs that have it, in order."""
    return sorted(value for record in records if (value := record.metrics[figure]) is not None)


def _overlap(one: Sequence[float], other: Sequence[float]) -> bool:
    """Whether the spreads overlap; figures that neither has, agree."""
    if not one or not other:
        return not one and not other
    return one[0] <= other[-1] and other[0] <= one[-1]


def _spread(values: Sequence[float]) -> str:
    if not values:
        return "–"
    return f"{values[0]:.4g}" if values[0] == values[-1] else f"{values[0]:.4g}–{values[-1]:.4g}"


if __name__ == "__main__":
    raise SystemExit(main())
