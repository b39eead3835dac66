"""A run second by second, and the wave of reconnects after a mass disconnect.

    counts[4]["attempts.offer"]    what happened in the fifth second
    setups[4].p95                  95th percentile of the set-up times of the calls planned for that second

Records of earlier versions have no ``setups`` and no ``connected_now``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple, Self

from locust_softphone.runs.record_parts import Second, SetupTimes

__all__ = ["ReconnectWave", "Timeline", "wave_of"]

MASS_DISCONNECT = 0.10
"""The share of the planned softphones that must be disconnected within a second."""

_NOTHING: Mapping[str, int] = {}


@dataclass(frozen=True)
class Timeline:
    """What happened in each second from the plan's start; a second or a counter that is missing is 0."""

    counts: Mapping[int, Mapping[str, int]]
    setups: Mapping[int, SetupTimes]

    @classmethod
    def of(cls, rows: Iterable[Second]) -> Self:
        """The timeline of a record."""
        counts = {row.second: {"planned": row.planned, **row.counts} for row in rows}
        return cls(counts, {row.second: row.call_setup for row in rows if row.call_setup})

    @property
    def seconds(self) -> int:
        """How many seconds there are."""
        return max(self.counts, default=-1) + 1

    def names(self, prefix: str) -> list[str]:
        """The counters with this prefix that were ever counted, without the prefix, in order of appearance."""
        found = {name: None for counts in self.counts.values() for name in counts if name.startswith(prefix)}
        return [name.removeprefix(prefix) for name in found]

    def has(self, name: str) -> bool:
        return any(name in counts for counts in self.counts.values())

    def at(self, second: int, name: str) -> int:
        return self.counts.get(second, _NOTHING).get(name, 0)


class ReconnectWave(NamedTuple):
    """What followed a mass disconnect.

    Args:
        dropped: connections that ended without a close frame in the second of the disconnect.
        returned: how many of them reconnected.
        after_s: seconds until the last of them had reconnected.
        handshakes_per_s: the most handshakes in a second from then on.
        limited_per_s: the most 429s in a second from then on.
    """

    dropped: int
    returned: int
    after_s: int
    handshakes_per_s: int
    limited_per_s: int


def wave_of(timeline: Timeline, planned: float) -> ReconnectWave | None:
    """The largest mass disconnect of a run and its reconnects; None where there was none.

    Softphones that were disconnected before their call was answered do not reconnect, they set up their first call
    again: a plain burst has no reconnects.
    """
    seconds = range(timeline.seconds)
    lost = [
        timeline.at(second, "abnormal_closes.lost") + timeline.at(second, "abnormal_closes.reset") for second in seconds
    ]
    dropped = max(lost, default=0)
    if dropped == 0 or dropped < MASS_DISCONNECT * planned:
        return None
    at = lost.index(dropped)
    since = seconds[at:]
    if not any(timeline.at(second, name) for second in since for name in ("reconnects", "reconnects.failed")):
        return None
    steps = [f"rate_limited.{step}" for step in timeline.names("rate_limited.")]
    return ReconnectWave(
        dropped=dropped,
        returned=sum(timeline.at(second, "reconnects") for second in since),
        after_s=max((second for second in since if timeline.at(second, "reconnects")), default=at) - at,
        handshakes_per_s=max(timeline.at(second, "attempts.handshake") for second in since),
        limited_per_s=max(sum(timeline.at(second, step) for step in steps) for second in since),
    )
