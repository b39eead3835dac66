"""Runs the cases of the fault matrix, and writes them as the table of docs/faults.md."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.faults.cases import Case, Seen

__all__ = ["USUAL", "SoftphoneProcess", "a_softphone_process", "document", "observed"]

MAX_RETRIES = 1
USUAL: Mapping[str, Any] = {
    "like": "recommended",
    "token": "per-connection",
    "timeout": "20s",
    "retry": {"max_retries": MAX_RETRIES, "initial": "200ms", "jitter": "none"},
}
COLUMNS = ("step", "fault", "caused by", "outcome", "close code", "next try")


class SoftphoneProcess:
    """A process with softphones that meet the faults."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def meet(self, case: Case) -> dict[str, Any]:
        """Let a softphone call the case's edge; returns what it saw, and which resources are still held."""
        with case.edge() as url:
            return self.call(url, {**USUAL, **case.softphone}, case.hold, case.trusts)

    def call(self, url: str, softphone: Mapping[str, Any], hold: str = "", trusts: Path | str = "") -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        request = {"url": url, "softphone": softphone, "hold": hold, "trusts": str(trusts)}
        print(json.dumps(request), file=self._process.stdin, flush=True)
        found: dict[str, Any] = json.loads(self._process.stdout.readline())
        return found


@contextmanager
def a_softphone_process() -> Iterator[SoftphoneProcess]:
    command = [sys.executable, "-m", "tests.faults.softphone_process"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield SoftphoneProcess(process)
        finally:
            assert process.stdin is not None
            process.stdin.close()
            process.wait(30)


def observed(case: Case, found: Mapping[str, Any]) -> Seen:
    """The result of a fault, in the words of the table."""
    if case.step == "hold":
        return _of_a_held_call(found)
    attempts = [each for each in found["attempts"] if each[0] == case.step]
    _, outcome, status, code = attempts[0]
    if outcome == "ok":
        return Seen("ok", None, "none needed" if found["answered"] else "not answered")
    if len(attempts) == 1:
        looked_up = case.step == "look-up"
        return Seen(
            outcome, code, "none: looked up once, before the run" if looked_up else "none: another try cannot help"
        )
    return Seen(outcome, code, f"{_waited(found, status)}: {attempts[1][1]}")


def _of_a_held_call(found: Mapping[str, Any]) -> Seen:
    if not found["closes"]:
        pings = f", {found['pings']} ping answered" if found["pings"] else ""
        _, goodbye, _, code = found["attempts"][-1]
        ends = "" if goodbye == "ok" else f"; the close ends with {goodbye} ({code})"
        return Seen(f"ok{pings}", None, f"the call continues{ends}")
    ((code, _),) = found["closes"].items()
    outcome = "closed" if int(code) != 1006 else "".join(found["abnormal"])
    then = "the call is set up again" if found["reconnected"] else "the call is not set up again"
    return Seen(outcome, int(code), f"{_waited(found, None)}: {then}")


def _waited(found: Mapping[str, Any], status: int | None) -> str:
    if not found["retries"]:
        return "at once, with a new token" if status == 401 else "at once"
    return f"after {found['retry_wait_s']:.3g} s"


DOCUMENT = """\
# Faults, and how a softphone reports them

Each row is a fault that was caused for a softphone with the behaviour `recommended`, under gevent as in Locust, with
one retry, a back-off of 0.2 s and no jitter. Each time the process then held as many descriptors and greenlets as
before, and 50 dropped calls in a row did not increase its memory. nginx and haproxy are real and stand in front of the
simulated edge. A script plays the server for faults that no correct server has, and a forwarder cuts connections to the
simulated edge.

    python -m tests.faults > docs/faults.md

causes all faults and writes this page. The test suite causes them too, and fails if a row is wrong.

{table}
The outcome is that of the attempt that met the fault. The step `hold` means a call that has been answered; there the
outcome says how the connection ended. Close code 1006 is what a browser shows for a connection without a close frame,
and for a refused upgrade. A WebSocket that the softphone itself closes, because a login was refused or `ready` did not
come in time, has no close code here: it gets a close frame with 1000 and is counted as `own_cuts`. Waits are those of
Retry-After or, without one, the back-off.

An edge that is killed and restarted during a run drops all softphones. They reconnect, and the run reports that the
edge was restarted and that the ledger cannot balance: `tests/swarm/test_restart.py`. Hostile servers and clients are
tested in `tests/faults/test_hostile_server.py` and `tests/edge/test_hostile_clients.py`. [soak.md](soak.md) has the
results of an hour of restarts.
"""


def document(rows: Iterable[tuple[Case, Seen]]) -> str:
    """The text of docs/faults.md, with the result of each case."""
    lines = ["| " + " | ".join(COLUMNS) + " |", "|" + "---|" * len(COLUMNS)]
    for case, seen in rows:
        cells = (case.step, case.name, case.by, seen.outcome, "–" if seen.code is None else f"{seen.code}", seen.then)
        lines.append(f"| {' | '.join(cells)} |")
    return DOCUMENT.format(table="\n".join(lines) + "\n")
