"""What master and workers tell each other, over Locust's own messages (plain dictionaries, for msgpack).

    worker ── here ────► master    my version; I can be told a plan (Locust says so before our side listens)
    master ── plan ────► worker    the profile as resolved, the edge, and which slots of the plan are this worker's
    master ◄─ echo ────► worker    how long a message takes
    master ── begin ───► worker    the plan starts in so many seconds from now
    worker ── tally ───► master    what was measured since the last time, and up to when; each second
    worker ── over ────► master    all my softphones are done
    master ── stop ────► worker    everybody hangs up
    worker ── done ────► master    everybody has, and here is the rest of what was measured

    master ── take ────► worker    serve these slots too: their worker is lost, or has given them up
    master ── release ─► worker    do not serve these slots: another worker does
    worker ── hold ────► master    a 429 holds back the fleet at this step; the master tells the others
    worker ── want ────► master    the fleet's token, please; the edge has rejected this one
    master ── token ───► worker    here it is, or this is how asking for it failed

Locust's own reports come every 3 s: too seldom to watch a run by, and a worker that is killed takes with it what it has
not told yet. Nothing depends on clocks that agree: instants travel as seconds from now, less what a message to that
worker takes.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

__all__ = [
    "BEGIN",
    "DONE",
    "ECHO",
    "HERE",
    "HOLD",
    "OVER",
    "PLAN",
    "RELEASE",
    "STOP",
    "TAKE",
    "TALLY",
    "TOKEN",
    "WANT",
    "Plan",
]

HERE = "softphone_here"
PLAN = "softphone_plan"
ECHO = "softphone_echo"
BEGIN = "softphone_begin"
OVER = "softphone_over"
STOP = "softphone_stop"
DONE = "softphone_done"
TALLY = "softphone_tally"
TAKE = "softphone_take"
RELEASE = "softphone_release"
HOLD = "softphone_hold"
WANT = "softphone_want_token"
TOKEN = "softphone_token"


@dataclass(frozen=True)
class Plan:
    """A worker's part of a run.

    Args:
        profile: the profile as resolved; a worker needs no file.
        urls: of the edge's hosts, by what each is for.
        authorized: whether that may be another machine than the worker's own.
        slots: the worker's slots in the plan, in their order.
        workers: over how many the plan is spread.
        client_id: of the OAuth client.
        client_secret: of the OAuth client; never shown.
        users: whose softphones they are, with their tokens; never shown.
        call_to: whom they call.
    """

    profile: dict[str, Any]
    urls: dict[str, str]
    authorized: bool
    slots: list[int]
    workers: int
    client_id: str
    client_secret: str = field(repr=False)
    users: list[dict[str, Any]] = field(repr=False)
    call_to: str

    def to_plain(self) -> dict[str, Any]:
        return asdict(self)
