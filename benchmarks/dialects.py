"""The CPU that the dialects genesys-cloud and sip cost the generator, compared with the default dialect.

    connection      log in and log out            runs with one connection per call, minus the cost of the calls
    call            on an open connection         (CPU of many calls - CPU of one each) / (difference in calls)
    softphone held  for a second, with its pings  (CPU of a long hold - CPU of a short one) / (softphones * seconds)
    k6              the call, same frames         as for a call
    round trip      without a dialect             as measured by sockets.py

The targets: in genesys-cloud, a call costs at most 2 times as much, and at most what it costs k6 to send and expect the
same frames; a connection and a held softphone at most 2.5 times. For sip there is no target. The last two rows have the
cost of the round trips alone that genesys-cloud needs and media-offer does not, and what the target leaves for them and
for everything else:

    connection   8    the channel; open, auth, open, bind; turn and stun together; the subscription; close
    call         3    proceed and the offer; the answer and its result; active and its result
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from rich.table import Table

from harness import Bench, Run, bench, cheapest
from k6_program import K6, add_option
from sockets import OURS, ROUND_TRIP, cost_ms, echoing
from tables import Goal, show
from tools import softphones

DIALECTS = ("media-offer", "genesys-cloud", "sip")
USERS, HELD = 100, 1000
PING_EVERY_S = 5
SHORT_S, LONG_S = 4.0, 24.0
LIMIT_S = 180.0
K6_SCRIPT = "k6_genesys_cloud.js"
HOLD_S_PER_CALL = 0.006  # leaves time for the slowest edge
GOALS = {"a connection": 2.5, "a call": 2.0, "a held softphone": 2.5}  # times the default dialect's
MORE_ROUND_TRIPS = {"a connection": 8, "a call": 3}


def calling(at: Bench, dialect: str, each: int, connection: str, *, hold_s: float) -> Run:
    """A run in which each user calls back to back, and then stays for the rest of ``hold_s``."""
    profile = {
        "users": USERS,
        "ramp": "0s",
        "hold": f"{hold_s:g}s",
        "dialect": dialect,
        "softphone": {
            "like": "recommended",
            "retry": {"max_retries": 0},
            "connection": connection,
            "calls": {"count": each, "every": "0s"},
        },
    }
    run = at.complete(softphones(at, profile), LIMIT_S)
    if run.answered != each * USERS:  # the cost of a call would include the calls that failed
        sys.exit(f"{dialect}, {connection}: only {run.answered} of {each * USERS} calls were answered")
    return run


def holding(at: Bench, dialect: str, hold_s: float) -> Run:
    """A run that holds many softphones, each in a call, for ``hold_s``."""
    profile = {
        "users": HELD,
        "ramp": "2s",
        "hold": f"{hold_s:g}s",
        "dialect": dialect,
        "softphone": {"like": "recommended", "retry": {"max_retries": 0}},
    }
    return at.complete(softphones(at, profile), LIMIT_S)


def loads(at: Bench, dialect: str, each: int) -> tuple[Run, ...]:
    """A run of each load: one call, calls on one connection, a connection per call, a short hold, a long hold."""
    hold_s = 1 + each * USERS * HOLD_S_PER_CALL
    return (
        *(calling(at, dialect, calls, "reuse", hold_s=hold_s) for calls in (1, each)),
        calling(at, dialect, each, "per-call", hold_s=hold_s),
        *(holding(at, dialect, seconds) for seconds in (SHORT_S, LONG_S)),
    )


def costs(runs: Sequence[tuple[Run, ...]]) -> tuple[float, float, float]:
    """Milliseconds of CPU for a connection, for a call, and for a softphone held for a second."""
    least, reused, opened, short, long = map(cheapest, zip(*runs, strict=True))
    call = _cpu_ms(reused, least) / (reused.answered - least.answered)
    connection = _cpu_ms(opened, least) / (opened.answered - least.answered) - call
    return connection, call, _cpu_ms(long, short) / (HELD * (LONG_S - SHORT_S))


def k6_loads(at: Bench, k6: K6, each: int) -> tuple[Run, ...]:
    """A run of one call by k6, and one of many on an open connection."""
    scenario = {"executor": "per-vu-iterations", "vus": USERS, "iterations": 1, "maxDuration": "5m"}
    return tuple(at.complete(k6.run(at, scenario, K6_SCRIPT, CALLS=calls), LIMIT_S) for calls in (1, each))


def k6_call_ms(runs: Sequence[tuple[Run, ...]]) -> float:
    """Milliseconds of CPU for a call of genesys-cloud on an open connection, by k6."""
    least, many = map(cheapest, zip(*runs, strict=True))
    return _cpu_ms(many, least) / (many.answered - least.answered)


def _cpu_ms(more: Run, less: Run) -> float:
    return (more.usage.cpu_s - less.usage.cpu_s) * 1000


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=2000, help="calls of each run (default: %(default)s)")
    parser.add_argument("--repeat", type=int, default=3, help="how many runs of each (default: %(default)s)")
    add_option(parser)
    parsed = parser.parse_args()
    each = max(parsed.calls // USERS, 2)
    runs: dict[str, list[tuple[Run, ...]]] = {dialect: [] for dialect in DIALECTS}
    round_trips: list[float] = []
    k6_runs: list[tuple[Run, ...]] = []
    k6 = K6.find(parsed.k6)
    with bench(ping_every=f"{PING_EVERY_S}s") as at:
        for _ in range(parsed.repeat):
            with echoing(at.new_folder("echo")) as port:
                round_trips.append(cost_ms(at.new_folder("round-trips"), port, OURS, ROUND_TRIP))
            for dialect in DIALECTS:
                runs[dialect].append(loads(at, dialect, each))
            if k6:
                k6_runs.append(k6_loads(at, k6, each))
    found = {dialect: costs(runs[dialect]) for dialect in DIALECTS}
    k6_call = k6_call_ms(k6_runs) if k6 else None

    columns = [DIALECTS[0], *(part for dialect in DIALECTS[1:] for part in (dialect, "ratio"))]
    table = Table("CPU, ms", *columns, title="CPU of the generator by dialect")
    ratios = []
    for row, name in enumerate(("connection", "call on an open connection", "softphone held for a second")):
        ours, *others = (found[dialect][row] for dialect in DIALECTS)
        ratios.append(others[0] / ours)
        shown = [part for theirs in others for part in (f"{theirs:.4f}", f"[bold]{theirs / ours:.2f}")]
        table.add_row(name, f"{ours:.4f}", *shown)
    if k6 and k6_call:
        table.add_row(f"call with the same frames, {k6.name}", "", f"{k6_call:.4f}", "", "", "")
    for row, (what, trips) in enumerate(MORE_ROUND_TRIPS.items()):
        left = (GOALS[what] - 1) * found[DIALECTS[0]][row]
        alone = trips * min(round_trips)
        table.add_row(f"{trips} round trips more for {what}", f"leaves {left:.4f}", f"{alone:.4f}", "", "", "")
    goals = [
        Goal(f"{what} costs at most {most} times as much", f"{ratio:.2f} times", ratio <= most if ratio > 0 else None)
        for (what, most), ratio in zip(GOALS.items(), ratios, strict=True)
    ]
    against_k6 = found["genesys-cloud"][1] / k6_call if k6_call else None
    goals.append(
        Goal(
            "a call costs at most what it costs k6",
            "k6 is not installed" if against_k6 is None else f"{against_k6:.2f} times",
            None if against_k6 is None else against_k6 <= 1,
        )
    )
    caption = (
        f"the least CPU of {parsed.repeat} runs of each load; {USERS} users with {each} calls each, back to back; "
        f"{HELD} softphones held, a ping every {PING_EVERY_S} s; CPU of the softphones only, on one core, the edge on "
        "the other"
    )
    return show(table, goals, caption)


if __name__ == "__main__":
    sys.exit(main())
