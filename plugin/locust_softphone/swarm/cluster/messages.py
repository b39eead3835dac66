"""The messages between master and workers, sent as Locust's custom messages (plain dictionaries, for msgpack).

    worker ── JOINED ────────► master    the worker's version and loopback; it can receive a plan from now on
    master ── PLAN ──────────► worker    the resolved profile, the edge, and the worker's slots
    master ◄─ ECHO ──────────► worker    measures how long a message takes, and that the worker is alive
    master ── BEGIN ─────────► worker    the number of seconds until the plan starts
    worker ── CANNOT ────────► master    why it cannot serve its slots, or not all of them
    worker ── TALLY ─────────► master    what was measured since the last tally, once a second
    worker ── FINISHED ──────► master    all softphones of this worker are done
    master ── STOP ──────────► worker    hang up
    worker ── STOPPED ───────► master    all have hung up, with the rest of what was measured

    master ── ADD_SLOTS ─────► worker    serve these slots too: their worker is lost, or has released them
    master ── RELEASE_SLOTS ─► worker    do not serve these slots: another worker does
    worker ── BACK_OFF ──────► master    a 429 holds back the fleet at this step; the master forwards it to the others
    worker ── TOKEN_REQUEST ─► master    asks for the shared token; names the one that the edge rejected
    master ── TOKEN_REPLY ───► worker    the token, or how the attempt to fetch it failed

Each message but JOINED carries the id of its run, so that one of an earlier run is ignored. Tallies do not wait for
Locust's own reports: those come every 3 s, and a killed worker loses what it has not reported.
Clocks are never compared: an instant travels as seconds from now, less the time that a message to that worker takes.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

__all__ = ["MessageType", "Plan"]


class MessageType(StrEnum):
    """The names of the messages on the wire."""

    JOINED = "softphone_joined"
    PLAN = "softphone_plan"
    ECHO = "softphone_echo"
    BEGIN = "softphone_begin"
    CANNOT = "softphone_cannot"
    TALLY = "softphone_tally"
    FINISHED = "softphone_finished"
    STOP = "softphone_stop"
    STOPPED = "softphone_stopped"
    ADD_SLOTS = "softphone_add_slots"
    RELEASE_SLOTS = "softphone_release_slots"
    BACK_OFF = "softphone_back_off"
    TOKEN_REQUEST = "softphone_token_request"
    TOKEN_REPLY = "softphone_token_reply"


@dataclass(frozen=True)
class Plan:
    """One worker's part of a run.

    Args:
        run: the id that all messages of the run carry.
        profile: the resolved profile; a worker needs no file.
        urls: the URLs of the edge's hosts, by role.
        authorized: whether the edge may be another machine than the worker's own.
        slots: the worker's slots in the plan, in order.
        workers: how many workers the plan is spread over.
        credentials: the OAuth client that the softphones log in as; never shown.
        users: the users that the softphones log in as, with their tokens; never shown.
        call_to: the number or address that the softphones call.
    """

    run: str
    profile: dict[str, Any]
    urls: dict[str, str]
    authorized: bool
    slots: list[int]
    workers: int
    credentials: dict[str, Any] = field(repr=False)
    users: list[dict[str, Any]] = field(repr=False)
    call_to: str

    def to_plain(self) -> dict[str, Any]:
        return asdict(self)
