"""The wave that comes back after an edge has dropped many softphones at once, read from a record's timeline.

second   lost    handshakes   429     back
13        500
15                      500   340      120      all together, after the same wait
16                                      40
19                      340   181      111      the refused, all together again
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

__all__ = ["Wave", "wave_of"]

AT_ONCE = 0.10
"""The part of the planned softphones that is dropped within a second, or else nobody speaks of a wave."""


class Wave(NamedTuple):
    """What followed a drop.

    Args:
        dropped: connections that ended without a close frame in the second of the drop.
        returned: how many were set up again from then on.
        after_s: from the second of the drop to the one in which the last of them was back.
        handshakes_per_s: the most handshakes in a second from then on.
        limited_per_s: the most 429s in a second from then on.
    """

    dropped: int
    returned: int
    after_s: int
    handshakes_per_s: int
    limited_per_s: int


def wave_of(record: Mapping[str, Any]) -> Wave | None:
    """The wave of a run; None where nothing was dropped that would make one, or nobody in a call to return to it.

    In a plain burst many sessions are cut at once too, before they were answered: those set up their first call again.
    """
    timeline = record["timeline"]
    lost = [row.get("abnormal_closes.lost", 0) + row.get("abnormal_closes.reset", 0) for row in timeline]
    dropped = max(lost, default=0)
    if dropped == 0 or dropped < AT_ONCE * record["totals"]["planned"]:
        return None
    at = lost.index(dropped)
    since = timeline[at:]
    if not any(row.get(name, 0) for row in since for name in ("reconnects", "reconnects.failed")):
        return None
    back = [row["second"] for row in since if row.get("reconnects", 0)]
    limited = (sum(n for name, n in row.items() if name.startswith("rate_limited.")) for row in since)
    return Wave(
        dropped=dropped,
        returned=sum(row.get("reconnects", 0) for row in since),
        after_s=max(back, default=at) - at,
        handshakes_per_s=max(row.get("attempts.handshake", 0) for row in since),
        limited_per_s=max(limited),
    )
