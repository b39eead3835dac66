"""How long messages take between the softphones and the edge, and how long the two programs take for a request.

    request ──► round trip / 2 + jitter ──► queue for the processor ──► work ──► decision ──► round trip / 2 + jitter

A new connection costs one more round trip (TCP). ``work`` stands for the processor time of generator and edge together.
Requests take it one after the other, so a burst of 500 at 0.3 ms reaches the limits over 0.15 s and not at one instant.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from random import Random

from locust_softphone.errors import InputError
from locust_softphone.metrics.histogram import Histogram
from locust_softphone.runs.record import RunRecord

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

    @classmethod
    def from_record(cls, record: RunRecord) -> NetworkModel:
        """The network of a run: a simulated run has it in its record; a real run shows it.

        round trip    the shortest offer: most take one round trip on an open connection
        jitter        the median offer minus the shortest; none for a burst, whose offers wait for the processor
        work          of a burst: the longest first request, divided by the softphones, because they queue for it

        Raises:
            InputError: no offer was answered.
        """
        if record.simulation is not None:
            simulated = record.simulation
            return cls(simulated.round_trip_s, simulated.jitter_s, simulated.work_s)
        offers = Histogram.decode(record.histograms.get("offer.service", ""))
        if not len(offers):
            raise InputError(f"{record.run_id}: no offer was answered, so the record does not show the network")
        shortest_s, median_s = min(offers.counts()), offers.percentile_s(50)
        if record.profile["ramp"] != "0s":
            work_s = cls().work_s
            return cls(max(shortest_s - work_s, 0.0), max(median_s - shortest_s, 0.0), work_s)
        first = "handshake" if record.profile["softphone"]["token"] == "shared" else "token"
        work_s = (record.steps[first].service_s.max or 0.0) / record.totals.planned
        return cls(max(shortest_s - work_s, 0.0), 0.0, work_s)

    def with_given(self, given: Mapping[str, float]) -> NetworkModel:
        """The same network with other values of some fields."""
        return replace(self, **given)

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
