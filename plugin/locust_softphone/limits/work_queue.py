"""Limited concurrency with a queue: ``workers`` requests at a time, ``queue`` more wait, the rest are refused.

    request ──► queue ──► worker, work_s ──► answer        delay = time in the queue + work_s
                  └ full: refused (503, 504)

Latency grows first, then requests are refused. Every request takes the same time; first come, first served.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable

from locust_softphone.limits.decision import Decision, Limit, reached, require

__all__ = ["WorkQueue"]


class WorkQueue(Limit):
    """Admits ``workers`` requests at a time, and ``queue`` more that wait.

    Args:
        workers: how many requests are worked on at once.
        queue: how many more may wait.
        work_s: seconds that each takes.

    Raises:
        ValueError: fewer than 1 worker, a queue below 0, or work that takes no time.
    """

    __slots__ = ("_ends", "queue", "work_s", "workers")

    def __init__(self, workers: int, queue: int, work_s: float) -> None:
        require("the number of workers", workers, 1)
        require("the length of a queue", queue, 0)
        require("the time that work takes", work_s, 0, above=True)
        self.workers = workers
        self.queue = queue
        self.work_s = work_s
        self._ends: deque[float] = deque()  # when each admitted request will be done, in order

    def peek(self, now: float) -> Decision:
        """The decision about a request at ``now``. Nothing is counted."""
        ends, quota = self._ends, self.workers + self.queue
        while ends and reached(now, ends[0]):
            ends.popleft()
        if len(ends) >= quota:
            wait_s, reset_s = ends[0] - now, ends[-1] - now
            return Decision(False, quota, 0, wait_s=wait_s, reset_s=reset_s)
        begins = max(now, ends[-self.workers]) if len(ends) >= self.workers else now
        delay_s = begins - now + self.work_s
        left = quota - len(ends) - 1
        wait_s = 0.0 if left else ends[0] - now if ends else self.work_s
        return Decision(True, quota, left, wait_s=wait_s, reset_s=delay_s, delay_s=delay_s)

    def admit(self, now: float, session: Hashable = None) -> Decision:
        """Start or queue a request, or refuse."""
        decision = self.peek(now)
        if decision.admitted:
            self._ends.append(now + decision.delay_s)
        return decision
