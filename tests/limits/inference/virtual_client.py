"""A client of a limit in virtual time, with network jitter and foreign traffic."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from itertools import count

from locust_softphone.limits.decision import Limit
from locust_softphone.limits.inference.observations import Observation

__all__ = ["Network", "burst_then_pace", "observe"]


@dataclass(frozen=True)
class Network:
    """A network where each direction takes half of the round trip plus an exponential jitter."""

    round_trip_s: float = 0.02
    jitter_s: float = 0.001

    def way_s(self, rng: random.Random) -> float:
        return self.round_trip_s / 2 + rng.expovariate(1 / self.jitter_s)


def burst_then_pace(burst: int, rate: float, for_s: float) -> list[float]:
    """``burst`` requests at once, then ``rate`` per second for ``for_s`` seconds."""
    return [0.0] * burst + [number / rate for number in range(1, int(rate * for_s) + 1)]


def observe(
    limit: Limit,
    instants: Sequence[float],
    *,
    network: Network = Network(),
    rng: random.Random,
    foreign_rate: float = 0.0,
    close_at: Sequence[float] = (),
) -> list[Observation]:
    """What the client observes.

    Args:
        limit: decides about everything that arrives.
        instants: when requests are sent.
        network: between the client and the limit.
        rng: for the jitter and the foreign traffic.
        foreign_rate: requests per second of other clients.
        close_at: the instants at which the client closes its oldest session.
    """
    last = max(instants)
    events: list[tuple[float, int, str, float]] = []  # (when it arrives, order, what, when it was sent)
    order = count()
    for sent in instants:
        events.append((sent + network.way_s(rng), next(order), "request", sent))
    for closed in close_at:
        events.append((closed, next(order), "close", closed))
    now = 0.0
    while foreign_rate and (now := now + rng.expovariate(foreign_rate)) < last:
        events.append((now, next(order), "foreign", now))
    heapify(events)
    answers: list[tuple[float, float, bool]] = []
    open_sessions: list[tuple[float, int]] = []  # known to the client
    closings: list[float] = []
    while events:
        now, number, what, sent = heappop(events)
        if what == "request":
            decision = limit.admit(now, number)
            answered = now + decision.delay_s + network.way_s(rng)
            answers.append((sent, answered, decision.admitted))
            if decision.admitted:
                heappush(open_sessions, (answered, number))
        elif what == "foreign":
            limit.admit(now, f"foreign {number}")
        elif what == "close" and open_sessions and open_sessions[0][0] <= now:
            _, session = heappop(open_sessions)
            closings.append(now)
            heappush(events, (now + network.way_s(rng), session, "closed", now))
        elif what == "closed":
            limit.release(now, number)
    return _with_open(answers, closings)


def _with_open(answers: list[tuple[float, float, bool]], closings: list[float]) -> list[Observation]:
    """The answers with what the client knew to be open when it sent each request."""
    changes = sorted([(answered, 1) for _, answered, admitted in answers if admitted] + [(at, -1) for at in closings])
    observations, position, known_open = [], 0, 0
    for sent, answered, admitted in sorted(answers):
        while position < len(changes) and changes[position][0] <= sent:
            known_open += changes[position][1]
            position += 1
        observations.append(Observation(sent, answered, admitted, known_open))
    return observations
