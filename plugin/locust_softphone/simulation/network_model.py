"""How long messages take between the softphones and the edge, and how long the two programs take for a request.

    request ──► round trip / 2 + jitter ──► queue for the processor ──► work ──► decision ──► round trip / 2 + jitter

A new connection costs one more round trip (TCP). ``work`` stands for the processor time of generator and edge together.
Requests take it one after the other, so a burst of 500 at 0.3 ms reaches the limits over 0.15 s and not at one instant.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

__all__ = ["Network", "NetworkModel"]


@dataclass(frozen=True)
class NetworkModel:
    """What is known of the network.

    Args:
        round_trip_s: seconds to the edge and back.
        jitter_s: each way takes up to this many seconds longer, at random.
        work_s: seconds of processor time for each request.
    """

    round_trip_s: float = 0.001
    jitter_s: float = 0.0
    work_s: float = 0.0003

    def __str__(self) -> str:
        jitter = f" and up to {self.jitter_s * 1000:g} ms of jitter each way" if self.jitter_s else ""
        return f"a round trip of {self.round_trip_s * 1000:g} ms{jitter}, {self.work_s * 1000:g} ms of work per request"


class Network:
    """The network of one simulated run.

    Args:
        model: what is known of it.
        clock: the current instant, in seconds.
        random: makes the jitter.
    """

    def __init__(self, model: NetworkModel, clock: Callable[[], float], random: Random) -> None:
        self.round_trip_s = model.round_trip_s
        self._one_way_s = model.round_trip_s / 2
        self._jitter_s = model.jitter_s
        self._work_s = model.work_s
        self._clock = clock
        self._random = random
        self._free_s = 0.0

    def one_way_s(self) -> float:
        """Seconds that the next message takes to the other end."""
        return self._one_way_s + (self._jitter_s * self._random.random() if self._jitter_s else 0.0)

    def work_s(self) -> float:
        """Seconds from now until a request that has just arrived has been worked on."""
        now_s = self._clock()
        self._free_s = max(self._free_s, now_s) + self._work_s
        return self._free_s - now_s
