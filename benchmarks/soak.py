"""Whether a long run leaks: softphones call every 20 s, while the edge is restarted again and again.

    softphones   500, each call on a new connection, with the retries of `recommended`
    edge         default policy; stopped every five minutes and started on the same port: all softphones are dropped,
                 reconnect at once, are refused, and wait for their Retry-After
    measured     memory, descriptors and greenlets of the Locust process, sampled every 10 s

At the end the process may not hold more than after the first five minutes, except for its measurements, some hundred
bytes per second. Every connection must be accounted for: as the softphones saw it end, and as all lives of the edge
counted it. The default is an hour. --seconds makes it shorter, and with it the lives of the edge, down to 15 s each.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import yaml
from rich.table import Table

from curve import Panel, draw
from harness import TIMEOUT_S
from locust_softphone.metrics.outcome import Outcome
from locust_softphone.runs import ledger
from process import Command, Process
from tables import Goal, show
from tools import record

HERE = Path(__file__).parent
SOFTPHONES = 500
CALL_EVERY_S = 20
MIN_LIFE_S = 15
LIVES = 12  # of the edge: five minutes each in an hour; the first one is not compared
SAMPLES_PER_LIFE = 30
TICK_S = 0.1
STATUS = {Outcome.RATE_LIMITED: 429, Outcome.UNAUTHORIZED: 401, Outcome.REJECTED: 409}
"""The statuses of the simulated edge's refusals; outcomes without a response have none."""

MAX_MEMORY = 6 * 1024**2
"""For the allocator: the peaks of two lives differ by up to 2 MB, with how many softphones reconnect at once.

It hides a leak of 70 bytes for each connection of an hour, and of 9 KB in the shortest run: that one finds kept sockets
and greenlets, which are counted, and kept buffers.
"""
MEMORY_PER_S = 512  # for the measurements of one second: in the tally, and in the history of Locust's charts
MAX_DESCRIPTORS = MAX_GREENLETS = 20  # for those that are in use at the time of a sample


class Edge:
    """The simulated edge on one port, through all its lives; ``counted`` has the counters of each."""

    def __init__(self, folder: Path) -> None:
        self._stats = folder / "stats.json"
        self.counted: list[dict[str, Any]] = []
        self._process = self._started(0)
        self.url = self._listening()

    def _started(self, port: int) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "locust_softphone.cli", "edge", "--port", str(port), "--until-stdin-closes"]
        return subprocess.Popen(
            [*command, "--stats", str(self._stats)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def _listening(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line.startswith("listening on "):
            raise SystemExit("the simulated edge did not start")
        return line.split()[-1]

    def restart(self) -> None:
        """Stop the edge, and start it again on the same port."""
        self.stop()
        self._process = self._started(int(self.url.rsplit(":", 1)[1]))
        self._listening()

    def stop(self) -> None:
        """Stop the edge, if it still runs, and keep its counters."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            self._process.communicate(timeout=TIMEOUT_S)
            self.counted.append(json.loads(self._stats.read_text()))


@dataclass(frozen=True)
class Soaked:
    """A finished run.

    Args:
        seconds: its length.
        commit: the commit of the code.
        samples: the samples of the Locust process, in order; ``at_s`` is counted from its start.
        restarts: when the edge was restarted.
        counted: the counters of all lives of the edge, added up.
        run: the parts of the run record that are needed here.
    """

    seconds: float
    commit: str
    samples: Sequence[Mapping[str, float]]
    restarts: Sequence[float]
    counted: Mapping[str, Any]
    run: Mapping[str, Any]

    def peaks(self, name: str) -> list[float]:
        """The maximum in each life of the edge."""
        begins = [0.0, *self.restarts]
        ends = [*self.restarts, self.seconds]
        return [
            max(each[name] for each in self.samples if begin <= each["at_s"] < end)
            for begin, end in zip(begins, ends, strict=True)
        ]

    def growth(self, name: str) -> float:
        """The growth from the first two lives to the last."""
        first, second, *_, last = self.peaks(name)
        return last - max(first, second)


def soak(seconds: float, folder: Path) -> Soaked:
    """Run the softphones, and restart the edge meanwhile."""
    samples, life_s = folder / "samples.jsonl", max(seconds / LIVES, MIN_LIFE_S)
    restarts: list[float] = []
    edge = Edge(folder)
    try:
        began_s = time.monotonic()
        with Process(_softphones(edge.url, seconds, life_s, samples, folder), core=None) as process:
            while process.poll() is None and time.monotonic() - began_s < seconds + 5 * TIMEOUT_S:
                time.sleep(TICK_S)
                at_s, next_s = time.monotonic() - began_s, life_s * (len(restarts) + 1)
                if at_s >= next_s and next_s <= seconds - life_s:
                    restarts.append(at_s)
                    edge.restart()
            if not list(folder.glob("runs/*/run.json")):
                raise SystemExit(f"there is no run record: {process.errors()}")
    finally:
        edge.stop()
    taken = [json.loads(line) for line in samples.read_text().splitlines()]
    kept = ("steps", "closes", "abnormal_closes", "reconnects", "totals", "validity", "cut_off")
    return Soaked(
        seconds=seconds,
        commit=_commit(),
        samples=[{"at_s": each.pop("monotonic_s") - began_s, **each} for each in taken],
        restarts=restarts,
        counted=_added_up(edge.counted),
        run={name: record(folder)[name] for name in kept},
    )


def _softphones(url: str, seconds: float, life_s: float, samples: Path, folder: Path) -> Command:
    ramp_s = min(CALL_EVERY_S, life_s / 2)
    profile = {
        "name": "soak",
        "users": SOFTPHONES,
        "ramp": f"{ramp_s:g}s",
        "hold": f"{seconds - ramp_s:g}s",
        "softphone": {
            "like": "recommended",
            "connection": "per-call",
            "calls": {"count": int(seconds // CALL_EVERY_S), "every": f"{CALL_EVERY_S}s"},
        },
    }
    (folder / "soak.yaml").write_text(yaml.safe_dump(profile))
    options = ["--headless", "--only-summary", "--host", url, "--softphone-profile", "soak.yaml"]
    command = [sys.executable, "-m", "locust", "-f", str(HERE / "soak_locustfile.py"), *options]
    environment = {"SAMPLES": str(samples), "EVERY_S": str(life_s / SAMPLES_PER_LIFE)}
    return Command([*command, "--softphone-runs", "runs"], folder, environment)


def _added_up(lives: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """The sum of the counters of all lives; anything else is left out."""
    total: dict[str, Any] = {}
    for life in lives:
        total = _sum(total, ledger.since({}, life))
    return total


def _sum(a: Mapping[str, Any], b: Mapping[str, Any]) -> dict[str, Any]:
    def added(x: Any, y: Any) -> Any:
        return _sum(x or {}, y or {}) if isinstance(x or y, Mapping) else (x or 0) + (y or 0)

    return {name: added(a.get(name), b.get(name)) for name in a.keys() | b.keys()}


def _commit() -> str:
    found = subprocess.run(["git", "-C", str(HERE), "rev-parse", "--short", "HEAD"], capture_output=True, text=True)
    return found.stdout.strip() or "unknown"


@dataclass(frozen=True)
class Connections:
    """How the WebSockets of a run ended, for the softphones and for the edge."""

    opened: int
    closed_normally: int
    dropped: int
    edge_opened: int
    edge_closed_normally: int
    edge_dropped: int
    unseen: int
    cut_off: int

    @classmethod
    def of(cls, soaked: Soaked) -> Connections:
        run, counted = soaked.run, soaked.counted
        handshakes, closes = Counter(run["steps"]["handshake"]["outcomes"]), Counter(run["closes"])
        refused = handshakes.total() - handshakes["ok"] - handshakes["cancelled"]  # counted as 1006, as in a browser
        edge_closes = Counter(counted["closes"])
        return cls(
            opened=handshakes["ok"],
            closed_normally=closes["1000"],
            dropped=closes.total() - closes["1000"] - refused,
            edge_opened=counted["sessions"]["total"],
            edge_closed_normally=edge_closes["1000"],
            edge_dropped=edge_closes.total() - edge_closes["1000"] + counted["lost"] + sum(counted["cuts"].values()),
            unseen=sum(handshakes[outcome] for outcome in ("lost", "reset", "timed_out")),
            cut_off=run["cut_off"],
        )

    @property
    def problems(self) -> list[str]:
        """What does not add up. When the edge stops, its last close frames and responses may not arrive.

        Softphones that have no time to hang up, on a busy machine, are cut off: they see no end of their connection.
        """
        found = []
        if not 0 <= self.opened - self.closed_normally - self.dropped <= self.cut_off:
            found.append("softphones opened and ended different numbers of connections")
        if self.edge_opened != self.edge_closed_normally + self.edge_dropped:
            found.append("the edge opened and ended different numbers of connections")
        if not 0 <= self.edge_opened - self.opened <= self.unseen:
            found.append("handshakes differ by more than the unanswered ones")
        if not self.closed_normally <= self.edge_closed_normally:
            found.append("softphones received more normal closes than the edge counted")
        return found


def balance(soaked: Soaked) -> list[str]:
    """Where the softphones' attempts and the requests counted by all lives of the edge do not balance."""
    counts = {}
    for step, measured in soaked.run["steps"].items():
        counts[f"attempts.{step}"] = measured["attempts"]
        for name, n in measured["outcomes"].items():
            counts[f"outcomes.{step}.{name}"] = n
            if status := STATUS.get(Outcome(name)):
                counts[f"status.{step}.{status}"] = n
    problems: list[str] = ledger.balance(counts, soaked.counted["steps"])["problems"]
    return problems


def goals(soaked: Soaked) -> list[Goal]:
    """The targets and results."""
    later_s = soaked.seconds - soaked.restarts[1]
    allowed = {
        "memory": MAX_MEMORY + MEMORY_PER_S * later_s,
        "descriptors": MAX_DESCRIPTORS,
        "greenlets": MAX_GREENLETS,
    }
    found = []
    for name, most in allowed.items():
        growth, unit = soaked.growth(name), 1024**2 if name == "memory" else 1
        words = f"{name} grows by at most {most / unit:,.1f} MB" if unit > 1 else f"{name} grow by at most {most}"
        found.append(Goal(words, f"{growth / unit:+,.1f}", growth <= most))
    connections, unbalanced = Connections.of(soaked), balance(soaked)
    found.append(
        Goal("every connection accounted for", "; ".join(connections.problems) or "yes", met=not connections.problems)
    )
    found.append(Goal("the ledger balances over all lives", "; ".join(unbalanced) or "yes", met=not unbalanced))
    return found


def table(soaked: Soaked) -> Table:
    """The maxima in each life of the edge, one row each."""
    shown = Table("life of the edge", title=f"{SOFTPHONES} softphones, {soaked.seconds:g} s")
    for column in ("memory, MB", "descriptors", "greenlets"):
        shown.add_column(column, justify="right")
    peaks = (soaked.peaks("memory"), soaked.peaks("descriptors"), soaked.peaks("greenlets"))
    for life, (memory, descriptors, greenlets) in enumerate(zip(*peaks, strict=True), 1):
        shown.add_row(f"{life}", f"{memory / 1024**2:.1f}", f"{descriptors:.0f}", f"{greenlets:.0f}")
    return shown


def picture(soaked: Soaked) -> str:
    """The curves, as SVG."""
    at_min = [each["at_s"] / 60 for each in soaked.samples]
    panels = [
        Panel("memory, MB", [each["memory"] / 1024**2 for each in soaked.samples]),
        Panel("descriptors", [each["descriptors"] for each in soaked.samples]),
        Panel("greenlets", [each["greenlets"] for each in soaked.samples]),
    ]
    return draw(at_min, panels, marks=[at_s / 60 for at_s in soaked.restarts], x="minutes; dotted: the edge restarted")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--seconds", type=float, default=3600, help="length (default: %(default)s, twelve lives of the edge)"
    )
    parser.add_argument("--results", type=Path, metavar="FILE", help="write the results to this file, as JSON")
    parser.add_argument("--again", type=Path, metavar="FILE", help="run nothing, show the results in this file")
    parser.add_argument("--svg", type=Path, metavar="FILE", help="draw the curves to this file")
    parser.add_argument(
        "--nice", type=int, default=0, metavar="N", help="lower the priority by N (default: %(default)s)"
    )
    parsed = parser.parse_args()

    os.nice(parsed.nice)
    if parsed.again:
        soaked = Soaked(**json.loads(parsed.again.read_text()))
    else:
        with tempfile.TemporaryDirectory() as folder:
            soaked = soak(parsed.seconds, Path(folder))
    if parsed.results:
        parsed.results.write_text(json.dumps(asdict(soaked)) + "\n")
    if parsed.svg:
        parsed.svg.write_text(picture(soaked))
    seen, run = Connections.of(soaked), soaked.run
    caption = (
        f"the maximum in each life; commit {soaked.commit}; calls answered {run['totals']['calls_answered']:,} of "
        f"{run['totals']['calls_planned']:,}; connections of the softphones: opened {seen.opened:,}, closed with 1000 "
        f"{seen.closed_normally:,}, lost {seen.dropped:,}; of the edge: opened {seen.edge_opened:,}, closed with 1000 "
        f"{seen.edge_closed_normally:,}, dropped {seen.edge_dropped:,}; set up again {run['reconnects']['made']:,}"
    )
    return show(table(soaked), goals(soaked), caption)


if __name__ == "__main__":
    sys.exit(main())
