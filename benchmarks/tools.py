"""The tools that are compared: the command of each, which makes the same calls, and how to read its results.

    softphones      this project: a real Locust process with the checkout's locustfile, all features on
    floor           floor.py: the same bytes by bare sockets, without a tool
    plain_locust    plain_locustfile.py: an HttpUser with websocket-client, the usual way to write it
    k6              k6_program.py

A call is always: WebSocket, ready, offer over HTTP, answer, close; each on separate connections.
"""

from __future__ import annotations

import csv
import json
import random
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
    "an_offer",
    "floor",
    "plain_locust",
    "record",
    "softphones",
    "starts",
    "statistics",
]

HERE = Path(__file__).parent


def softphones(
    bench: Bench,
    profile: Mapping[str, Any],
    *,
    processes: int = 0,
    pinned: bool = True,
    source_addresses: str = "",
) -> Command:
    """A headless run of a profile.

    Args:
        bench: the edge that is called.
        profile: as in its YAML file, without the name.
        processes: worker processes; 0 for a run in one process.
        pinned: whether it runs on the tool's core only.
        source_addresses: that they connect from; empty if the system chooses.
    """
    folder, ca = bench.new_folder("softphones"), str(bench.edge.ca or "")
    by_system = bench.edge.trusted_by_system
    (folder / "benchmark.yaml").write_text(yaml.safe_dump({"name": "benchmark", **profile}))
    return Command(
        [
            *(sys.executable, "-m", "locust", "-f", str(packaged_locustfile()), "--headless", "--only-summary"),
            *("--host", bench.edge.url, "--softphone-profile", "benchmark.yaml", "--softphone-runs", "runs"),
            *(["--softphone-ca", ca] if ca and not by_system else []),
            *(["--softphone-source-address", source_addresses] if source_addresses else []),
            *_worker_options(processes),
        ],
        folder,
        {"SSL_CERT_FILE": ca} if ca and by_system else {},
        pinned=pinned,
    )


def record(folder: Path) -> dict[str, Any]:
    """The run record of a finished run of softphones."""
    (path,) = folder.glob("runs/*/run.json")
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def floor(bench: Bench, users: int, calls: int, every_s: float) -> Command:
    """The same calls by bare sockets.

    Args:
        bench: the edge that is called.
        users: how many users.
        calls: how many calls each user makes.
        every_s: the time between two starts of a user's calls; 0 for back to back.
    """
    return Command(
        [sys.executable, str(HERE / "floor.py"), str(users), str(calls), f"{every_s:g}"],
        bench.new_folder("floor"),
        {"EDGE": bench.edge.url, "SDP": an_offer(), "CA": str(bench.edge.ca or "")},
    )


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
        {"SDP": an_offer(), "CALLS": str(calls), "WAIT": wait, "CA": str(bench.edge.ca or "")},
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


def an_offer() -> str:
    """The same offer each time."""
    return make_offer(random.Random(0))
