"""What a probe may spend: requests, refused requests, and time.

Metered(target, budget)    the same target; it sends nothing more once the budget is spent
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from locust_softphone.limits.inference.observations import Observation
from locust_softphone.probing.probe_target import Hint, Pace, ProbeTarget

__all__ = ["DEFAULT_BUDGET", "Budget", "Metered"]


@dataclass(frozen=True)
class Budget:
    """The most that a probe may spend on one step.

    Args:
        most_requests: requests sent.
        most_refused: refusals received. Nothing more is sent once all requests under way, refused, would use it up.
        longest_s: seconds from the first request to the last one.
    """

    most_requests: int = 5_000
    most_refused: int = 1_000
    longest_s: float = 900.0


DEFAULT_BUDGET = Budget()


class Metered:
    """A target that keeps to a budget, and remembers all observations."""

    def __init__(self, target: ProbeTarget, budget: Budget) -> None:
        self.budget = budget
        self.observations: list[Observation] = []
        self._target = target
        self._began_s = target.now()
        self._requests = self._refused = 0
        self._could_be_refused = 0  # the refusals so far, and all requests under way

    @property
    def opens_sessions(self) -> bool:
        return self._target.opens_sessions

    @property
    def hint(self) -> Hint:
        return self._target.hint

    @property
    def spent(self) -> str:
        """Which part of the budget is spent; empty if none is."""
        budget = self.budget
        if self._requests >= budget.most_requests:
            return f"{budget.most_requests} requests"
        if self._could_be_refused >= budget.most_refused:
            return f"{budget.most_refused} refusals"
        if self._target.now() - self._began_s >= budget.longest_s:
            return f"{budget.longest_s:g} s"
        return ""

    @property
    def left_s(self) -> float:
        """Seconds that are left."""
        return max(0.0, self._began_s + self.budget.longest_s - self._target.now())

    @property
    def left_refused(self) -> int:
        """Refusals that are left."""
        return max(0, self.budget.most_refused - self._refused)

    def now(self) -> float:
        return self._target.now()

    def wait(self, seconds: float) -> None:
        self._target.wait(min(seconds, self.left_s))

    def close(self, count: int) -> int:
        return self._target.close(count)

    def send(self, pace: Pace) -> list[Observation]:
        sent = counted = 0

        def count(answers: Sequence[Observation]) -> None:
            nonlocal counted
            self._refused += sum(not each.admitted for each in answers[counted:])
            counted = len(answers)
            self._could_be_refused = self._refused + sent - counted

        def metered(now_s: float, answers: Sequence[Observation]) -> float | None:
            nonlocal sent
            count(answers)
            due_s = None if self.spent else pace(now_s, answers)
            if due_s is None or due_s > self._began_s + self.budget.longest_s:
                return None
            sent += 1
            self._requests += 1
            return due_s

        answers = self._target.send(metered)
        if not self.spent:
            count(answers)
        self.observations += answers
        return answers
