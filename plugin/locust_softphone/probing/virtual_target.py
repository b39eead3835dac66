"""A target in virtual time: a limit behind a network with jitter, used by other clients too.

It rehearses a probe: what it would find out about a given limit, and what it would spend.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import count
from math import inf

from locust_softphone.limits.decision import Decision, Limit
from locust_softphone.limits.inference.observations import Observation
from locust_softphone.probing.probe_target import NO_HINT, Hint, Pace

__all__ = ["Network", "VirtualTarget"]


@dataclass(frozen=True)
class Network:
    """A network where each direction takes half of the round trip plus an exponential jitter."""

    round_trip_s: float = 0.02
    jitter_s: float = 0.001

    def way_s(self, rng: random.Random) -> float:
        return self.round_trip_s / 2 + rng.expovariate(1 / self.jitter_s)


class VirtualTarget:
    """Sends requests to a limit in virtual time.

    Args:
        limit: decides about everything that arrives.
        network: between the client and the limit.
        seed: of the jitter and the foreign traffic.
        foreign_rate: requests per second of other clients; they close their sessions after a second.
        opens_sessions: whether an admitted request opens a session.
        hint_of: what a refusal says about the limit; by default nothing.
    """

    def __init__(
        self,
        limit: Limit,
        network: Network = Network(),
        seed: int = 1,
        *,
        foreign_rate: float = 0.0,
        opens_sessions: bool = True,
        hint_of: Callable[[Decision], Hint] = lambda _: NO_HINT,
    ) -> None:
        self._limit = limit
        self._network = network
        self._rng = random.Random(seed)
        self._foreign_rate = foreign_rate
        self.opens_sessions = opens_sessions
        self.hint = NO_HINT
        self._hint_of = hint_of
        self._now_s = 1000.0
        self._order = count()
        self._events: list[tuple[float, int, str, object]] = []
        self._open: list[int] = []
        self._answers: list[Observation] = []
        self._under_way = 0
        if foreign_rate:
            self._later(self._now_s + self._rng.expovariate(foreign_rate), "foreign", None)

    def now(self) -> float:
        return self._now_s

    def wait(self, seconds: float) -> None:
        self._advance(self._now_s + seconds)

    def close(self, count: int) -> int:
        closing, self._open = self._open[:count], self._open[count:]
        for session in closing:
            self._later(self._now_s + self._network.way_s(self._rng), "close", session)
        return len(closing)

    def send(self, pace: Pace) -> list[Observation]:
        self._answers = []
        while (due_s := pace(self._now_s, self._answers)) is not None:
            self._advance(max(due_s, self._now_s))
            self._under_way += 1
            self._later(self._now_s + self._network.way_s(self._rng), "request", (self._now_s, len(self._open)))
        while self._under_way:
            self._advance(self._events[0][0])
        return sorted(self._answers)

    def _later(self, at_s: float, what: str, detail: object) -> None:
        heappush(self._events, (at_s, next(self._order), what, detail))

    def _advance(self, until_s: float) -> None:
        while self._events and self._events[0][0] <= until_s:
            self._now_s, number, what, detail = heappop(self._events)
            getattr(self, f"_on_{what}")(number, detail)
        if until_s < inf:
            self._now_s = until_s

    def _on_request(self, number: int, sent: tuple[float, int]) -> None:
        decision = self._limit.admit(self._now_s, number)
        if not decision.admitted:
            self.hint = self._hint_of(decision)
        answered_s = self._now_s + decision.delay_s + self._network.way_s(self._rng)
        self._later(answered_s, "answer", (Observation(sent[0], answered_s, decision.admitted, sent[1]), number))

    def _on_answer(self, _: int, answer: tuple[Observation, int]) -> None:
        observation, session = answer
        self._under_way -= 1
        self._answers.append(observation)
        if observation.admitted and self.opens_sessions:
            self._open.append(session)
        elif observation.admitted:
            self._limit.release(self._now_s, session)

    def _on_close(self, _: int, session: int) -> None:
        self._limit.release(self._now_s, session)

    def _on_foreign(self, number: int, _: None) -> None:
        if self._limit.admit(self._now_s, -number).admitted:
            self._later(self._now_s + 1.0, "close", -number)
        self._later(self._now_s + self._rng.expovariate(self._foreign_rate), "foreign", None)
