"""Runs the cases of the fault matrix, and draws it up as the table of docs/faults.md."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.faults.cases import Case, Seen

__all__ = ["USUAL", "Victim", "a_victim", "document", "happened"]

MAX_RETRIES = 1
USUAL: Mapping[str, Any] = {
    "like": "recommended",
    "token": "per-connection",
    "timeout": "20s",
    "retry": {"max_retries": MAX_RETRIES, "initial": "200ms", "jitter": "none"},
}
COLUMNS = ("step", "what goes wrong", "done by", "outcome", "close code", "next try")


class Victim:
    """A process whose softphones meet the faults."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def suffer(self, case: Case) -> dict[str, Any]:
        """Have it call the case's edge; returns all that it saw, and what it holds more than before."""
        with case.edge() as url:
            return self.call(url, {**USUAL, **case.softphone}, case.hold, case.trusts)

    def call(self, url: str, softphone: Mapping[str, Any], hold: str = "", trusts: Path | str = "") -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        told = {"url": url, "softphone": softphone, "hold": hold, "trusts": str(trusts)}
        print(json.dumps(told), file=self._process.stdin, flush=True)
        found: dict[str, Any] = json.loads(self._process.stdout.readline())
        return found


@contextmanager
def a_victim() -> Iterator[Victim]:
    command = [sys.executable, "-m", "tests.faults.victim"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Victim(process)
        finally:
            assert process.stdin is not None
            process.stdin.close()
            process.wait(30)


def happened(case: Case, found: Mapping[str, Any]) -> Seen:
    """What came of a fault, in the words of the table."""
    if case.step == "hold":
        return _to_a_held_call(found)
    attempts = [each for each in found["attempts"] if each[0] == case.step]
    _, outcome, status, code = attempts[0]
    if outcome == "ok":
        return Seen("ok", None, "none needed" if found["answered"] else "not answered")
    if len(attempts) == 1:
        looked_up = case.step == "look-up"
        return Seen(
            outcome, code, "none: looked up once, before the run" if looked_up else "none, trying again cannot help"
        )
    return Seen(outcome, code, f"{_waited(found, status)}: {attempts[1][1]}")


def _to_a_held_call(found: Mapping[str, Any]) -> Seen:
    if not found["closes"]:
        pings = f", {found['pings']} ping answered" if found["pings"] else ""
        _, goodbye, _, code = found["attempts"][-1]
        ends = "" if goodbye == "ok" else f"; its goodbye ends with {goodbye} ({code})"
        return Seen(f"ok{pings}", None, f"the call goes on{ends}")
    ((code, _),) = found["closes"].items()
    outcome = "closed" if int(code) != 1006 else "".join(found["abnormal"])
    then = "the call is up again" if found["reconnected"] else "the call is not up again"
    return Seen(outcome, int(code), f"{_waited(found, None)}: {then}")


def _waited(found: Mapping[str, Any], status: int | None) -> str:
    if not found["retries"]:
        return "at once, with a new token" if status == 401 else "at once"
    return f"after {found['retry_wait_s']:.3g} s"


DOCUMENT = """\
# What goes wrong, and what a softphone makes of it

Each row is a fault that was made to happen to a softphone of the behaviour `recommended`, under gevent as in Locust,
with one retry, a back-off of 0.2 s and no jitter. Afterwards the process had as many descriptors and greenlets as
before, and fifty drops in a row had left its memory where it was. A script stands in where no well-kept server has
the fault, and a forwarder cuts the wire to the simulated edge; everything else is real: nginx and haproxy in front of
that edge.

    python -m tests.faults > docs/faults.md

makes all of them happen and writes this page; the test suite makes them happen too, and fails when a row is not true.

{table}
The outcome is that of the attempt that met the fault; at the step `hold`, how the connection ended. Close code 1006
is what a browser shows for a connection without a close frame, a refused upgrade among them. `hold` is a call that
has been answered. Waits are what the softphone was told or, where it was told nothing, its back-off.

An edge that is killed and started again in mid-run drops everybody; all come back, and the run says that the edge was
restarted and that its ledger cannot balance: `tests/swarm/test_restart.py`. What a hostile server or a hostile client
can do is in `tests/faults/test_hostile_server.py` and `tests/edge/test_hostile_clients.py`; an hour of restarts is in
[soak.md](soak.md).
"""


def document(rows: Iterable[tuple[Case, Seen]]) -> str:
    """docs/faults.md, with what was seen of each case."""
    lines = ["| " + " | ".join(COLUMNS) + " |", "|" + "---|" * len(COLUMNS)]
    for case, seen in rows:
        cells = (case.step, case.name, case.by, seen.outcome, "–" if seen.code is None else f"{seen.code}", seen.then)
        lines.append(f"| {' | '.join(cells)} |")
    return DOCUMENT.format(table="\n".join(lines) + "\n")
