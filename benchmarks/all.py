"""Every figure of the README's section Performance, from one commit on one machine.

    all.py              runs the benchmarks one after the other, prints the README's table and the other results
    all.py --quick      the same with short runs: shows that everything works; its figures mean little

Each result has its command. Run it on a machine that does nothing else. A benchmark that misses a target goes on; the
exit code says so.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from k6_program import K6, add_option
from tables import RESULTS

HERE = Path(__file__).parent
OURS, PLAIN, FLOOR = "locust-softphone", ("plain Locust", "stock Locust"), "floor"
Rows = Sequence[Mapping[str, str]]


def least_ms(rows: Rows) -> Mapping[str, str]:
    """The row of the runs that took the least CPU."""
    (row,) = (row for row in rows if row[""] == "least, ms")
    return {tool: f"{cell} ms" for tool, cell in row.items() if tool}


def each_kb(rows: Rows) -> Mapping[str, str]:
    """A row for each tool."""
    return {row[""]: f"{row['KB each']} KB" for row in rows}


def lag(number: int, point: int) -> Callable[[Rows], Mapping[str, str]]:
    """One point of the cells of a plan: p50, p99, maximum."""

    def of(rows: Rows) -> Mapping[str, str]:
        parts = {tool.split("\n")[0]: cell.split(" · ") for tool, cell in rows[number].items() if tool}
        return {tool: f"{part[point]} ms" for tool, part in parts.items() if len(part) > point}

    return of


@dataclass(frozen=True)
class Benchmark:
    """A command.

    Args:
        command: a file of this folder, and its options.
        quick: more options for short runs.
        figures: what it gives for the README's table: a name, and each tool's value in its rows.
        compares: whether it takes ``--k6``.
    """

    command: str
    quick: str
    figures: Mapping[str, Callable[[Rows], Mapping[str, str]]]
    compares: bool = False


BENCHMARKS = (
    Benchmark("cpu_per_call.py", "--calls 300 --repeat 1", {"CPU per call, back to back, ws": least_ms}, compares=True),
    Benchmark(
        "cpu_per_call.py --paced 500", "--calls 500 --repeat 1", {"CPU per call at 500/s, ws": least_ms}, compares=True
    ),
    Benchmark(
        "cpu_per_call.py --tls", "--calls 200 --repeat 1", {"CPU per call, back to back, wss": least_ms}, compares=True
    ),
    Benchmark(
        "cpu_per_call.py --tls --system-ca",
        "--calls 200 --repeat 1",
        {"the same with the system's authorities": least_ms},
        compares=True,
    ),
    Benchmark("memory.py", "--users 50", {"memory per held softphone, ws": each_kb}, compares=True),
    Benchmark("memory.py --tls --system-ca", "--users 50", {"memory per held softphone, wss": each_kb}, compares=True),
    Benchmark(
        "start_lag.py",
        "--seconds 1",
        {
            "start lag p99 at 50/s": lag(0, 1),
            "start lag p99 at 500/s": lag(1, 1),
            "burst of 500: last start after": lag(-1, 2),
        },
        compares=True,
    ),
    Benchmark("sockets.py", "", {}),
    Benchmark("dialects.py", "--calls 200 --repeat 1", {}),
    Benchmark("scale.py", "--most 500", {}),
    Benchmark("edge_handshakes.py", "--handshakes 1000 --repeat 1", {}),
    Benchmark("stall.py", "--seconds 8", {}, compares=True),
    Benchmark("saturation.py", "--seconds 5", {}),
    Benchmark("journal.py", "--calls 1000 --seconds 30", {}),
    Benchmark("report_size.py", "--runs 2 --softphones 500 --seconds 60", {}),
)


def run(benchmark: Benchmark, k6: K6 | None, *, quick: bool) -> Mapping[str, Any] | None:
    """Run a benchmark, whose output is shown; returns what it found, or None if it broke."""
    options = benchmark.quick.split() if quick else []
    if benchmark.compares and k6:
        options += ["--k6", k6.path]
    file, *fixed = benchmark.command.split()
    with tempfile.TemporaryDirectory() as folder:
        results = Path(folder, "results.json")
        environment = {**os.environ, RESULTS: str(results)}
        subprocess.run([sys.executable, str(HERE / file), *fixed, *options], env=environment, check=False)
        if not results.exists():
            return None
        found: dict[str, Any] = json.loads(results.read_text())
        return found


def line(name: str, values: Mapping[str, str], k6: K6 | None, command: str) -> str:
    """A row of the README's table."""
    plain = next((values[tool] for tool in PLAIN if tool in values), "")
    theirs = values.get(k6.name, "") if k6 else ""
    cells = (name, f"**{values[OURS]}**", theirs, plain, values.get(FLOOR, ""), f"`python benchmarks/{command}`")
    return f"| {' | '.join(cells)} |"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="short runs")
    parser.add_argument("--only", metavar="TEXT", default="", help="only the commands that contain this text")
    add_option(parser)
    parsed = parser.parse_args()
    k6, began_s = K6.find(parsed.k6), time.perf_counter()
    table, others, complete = list[str](), list[str](), True
    for benchmark in BENCHMARKS:
        if parsed.only not in benchmark.command:
            continue
        print(f"\n$ python benchmarks/{benchmark.command}", flush=True)
        found = run(benchmark, k6, quick=parsed.quick)
        if found is None:
            complete = False
            others.append(f"- {benchmark.command}: no result")
            continue
        table += [line(name, pick(found["rows"]), k6, benchmark.command) for name, pick in benchmark.figures.items()]
        for goal in found["goals"]:
            complete = complete and goal["met"] is True
            met = {True: "met", False: "not met", None: "not measured"}[goal["met"]]
            others.append(f"- {goal['target']}: {goal['result']}, {met} (`python benchmarks/{benchmark.command}`)")
    print(f"\n| | {OURS} | {k6.name if k6 else 'k6'} | usual locustfile | floor | command |\n|---|---|---|---|---|---|")
    print("\n".join(table))
    print("\nTargets and results:\n")
    print("\n".join(others))
    print(f"\n{_commit()}, {(time.perf_counter() - began_s) / 60:.0f} minutes{'; ' + k6.note if k6 else ''}")
    return 0 if complete else 1


def _commit() -> str:
    asked = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=HERE, capture_output=True, text=True, check=False
    )
    return f"commit {asked.stdout.strip() or 'unknown'}"


if __name__ == "__main__":
    sys.exit(main())
