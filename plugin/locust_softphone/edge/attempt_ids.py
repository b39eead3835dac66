"""Which requests came once, which came again, and which are not from softphones of this package.

    X-Attempt-Id: 1f0c2a9b-17        the process that made the attempt, and the attempt's number there

A proxy that repeats requests, or loses as many as it repeats, is only seen by ids: the totals can be right. One bit is
kept for each attempt, and only for the last processes and the first millions of attempts, so memory is bounded whatever
clients send. Beyond that, a request counts as new.
"""

from __future__ import annotations

import re
from typing import Literal

__all__ = ["ATTEMPT_ID", "Arrival", "AttemptIds"]

ATTEMPT_ID = "X-Attempt-Id"
MOST_PROCESSES = 64
MOST_ATTEMPTS = 4_000_000

Arrival = Literal["first", "again", "foreign"]

_ID = re.compile(r"([0-9a-f]{8})-([0-9]{1,15})", re.ASCII)


class AttemptIds:
    """The ids of the requests that were decided about."""

    def __init__(self) -> None:
        self._seen: dict[str, bytearray] = {}  # a bit for each attempt, by process; the oldest process first

    def note(self, attempt_id: str | None) -> Arrival:
        """Note the id of a request; says whether it came before, or is missing."""
        found = _ID.fullmatch(attempt_id or "")
        if found is None:
            return "foreign"
        process, number = found[1], int(found[2])
        if number >= MOST_ATTEMPTS:
            return "first"
        seen = self._seen.get(process)
        if seen is None:
            if len(self._seen) >= MOST_PROCESSES:
                del self._seen[next(iter(self._seen))]
            seen = self._seen[process] = bytearray()
        at, bit = number >> 3, 1 << (number & 7)
        if at >= len(seen):
            seen.extend(bytes(at + 1 - len(seen)))
        again = seen[at] & bit
        seen[at] |= bit
        return "again" if again else "first"
