"""One softphone's attempts: when each was due, how it ended, and whether a retry came when it was told to.

due         the schedule's instant for a first attempt, the end of the step before for the next one,
            the end of the back-off for a retry
told until  what the last refusal's Retry-After said, whether or not the softphone heeds it
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from tenacity import RetryCallState

from locust_softphone.errors import AttemptFailed
from locust_softphone.metrics.outcome import Outcome, abnormal_cause
from locust_softphone.metrics.retry_after_sample import RetryAfterSample
from locust_softphone.metrics.steps import backs_off_with, request_steps
from locust_softphone.metrics.tally import Attempt
from locust_softphone.retry.strategies import backoff_s, reset_s, retry_after_s, seen_headers
from locust_softphone.signaling.context import SoftphoneContext
from locust_softphone.signaling.dialect import Reply
from locust_softphone.signaling.websocket import ABNORMAL

__all__ = ["Attempts"]

P = ParamSpec("P")
T = TypeVar("T")


class Attempts:
    """The attempts of one softphone.

    Args:
        fleet: the softphone's.
        wait_until: lets the softphone wait, listening, until an instant.
    """

    def __init__(self, context: SoftphoneContext, wait_until: Callable[[float], None]) -> None:
        self.due_s = 0.0
        self._context = context
        self._wait_until = wait_until
        self._told_until_s: float | None = None
        self._not_before_s: dict[str, float] = {}
        self._failures: Counter[str] = Counter()
        self._failed_step = ""
        self._planned: set[str] = set()
        self._counted = request_steps(context.dialect.name)
        self._backs_off_with = backs_off_with(context.dialect.name)

    def begin(self, due_s: float, planned: frozenset[str]) -> None:
        """A set-up begins, with all its tries ahead of it; ``planned`` steps are free once, of the retry budget."""
        self.due_s = due_s
        self._planned = set(planned)
        self._failures.clear()

    def make(self, step: str, request: Callable[P, Reply[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """One attempt: measured, counted, and its failure handed on.

        Raises:
            AttemptFailed: as ``request`` does; or, and nothing is counted, ``CANCELLED`` when the plan is over and
                ``OVER_BUDGET`` when there must be no further attempt.
        """
        self._await_turn(step)
        began_s = self._context.clock()
        if began_s >= self._context.end_s:
            raise AttemptFailed(Outcome.CANCELLED)
        self._pay(step)
        planned_s = min(self.due_s, began_s)
        self._note_retry(step, began_s)
        try:
            result, headers = request(*args, **kwargs)
        except AttemptFailed as failed:
            self.ended(step, planned_s, began_s, failed)
            self.note_failure(step)
            if self._context.shared_backoff is not None and failed.outcome is Outcome.RATE_LIMITED:
                self._context.shared_backoff.refused(step, self._told_or_backoff_s(failed))
            if step == "handshake":
                self.closed(failed)
            raise
        except Exception:
            raise  # a bug of ours: let it be seen
        except BaseException:
            self.ended(step, planned_s, began_s, AttemptFailed(Outcome.CANCELLED))
            raise
        self.ended(step, planned_s, began_s, None)
        if self._context.behaviour.retry.remaining == "honour" and (reset := reset_s(headers)):
            self._not_before_s[step] = self.due_s + min(reset, self._context.behaviour.retry.retry_after_cap_s)
        return result

    def ended(self, step: str, planned_s: float, began_s: float, failure: AttemptFailed | None) -> None:
        """An attempt has ended; whatever follows it is due now."""
        ended_s = self.due_s = self._context.clock()
        if failure is None:
            attempt = Attempt(step, planned_s, began_s, ended_s, Outcome.OK)
        else:
            attempt = Attempt(step, planned_s, began_s, ended_s, failure.outcome, failure.status, failure.close_code)
        self._context.observer.attempt(attempt, failure)

    def closed(self, failure: AttemptFailed) -> None:
        """Count how a WebSocket ended that did not end with our own close."""
        at_s = self._context.clock()
        code = ABNORMAL if failure.close_code is None else failure.close_code
        self._context.observer.count(f"closes.{code}", at_s)
        if code == ABNORMAL:
            self._context.observer.count(f"abnormal_closes.{abnormal_cause(failure.outcome)}", at_s)

    # Failures and retries.

    def note_failure(self, step: str) -> None:
        """A try of this step has failed."""
        self._failed_step = step
        self._failures[self._backs_off_with[step]] += 1

    def failures(self, step: str | None = None) -> int:
        """How often a step, or one that it backs off with, has failed in this set-up; by default the last to fail."""
        return self._failures[self._backs_off_with[self._failed_step if step is None else step]]

    def before_retry(self, state: RetryCallState) -> None:
        """Tenacity is about to wait before the next try."""
        failure = state.outcome.exception() if state.outcome else None
        wait_s = state.upcoming_sleep
        failed_s = self.due_s
        self.due_s = failed_s + wait_s
        told = None
        if isinstance(failure, AttemptFailed):
            told = retry_after_s(failure.without_frames().headers, time.time())  # tenacity keeps it while we wait
        self._told_until_s = None if told is None else failed_s + told
        self._context.observer.count("retries", failed_s)
        self._context.observer.duration("retry_wait", wait_s)

    def _note_retry(self, step: str, began_s: float) -> None:
        """This attempt begins now; if it is a retry that was told when to come, both instants are noted."""
        told_until_s, self._told_until_s = self._told_until_s, None
        if told_until_s is not None:
            self._context.observer.retry(RetryAfterSample(step, told_until_s, began_s))

    def _pay(self, step: str) -> None:
        """What is not planned is paid for with the retry budget."""
        if step in self._planned:
            self._planned.remove(step)
        elif step in self._counted and not self._context.budget.take():
            self._context.observer.count("retries.over_budget", self._context.clock())
            raise AttemptFailed(Outcome.OVER_BUDGET)

    def _await_turn(self, step: str) -> None:
        """Wait for what was told before.

        By the last answer to this step, that nothing remains until the limit resets; by a 429 to anybody, where it
        holds back the whole fleet.
        """
        not_before_s = self._not_before_s.pop(step, 0.0)
        if self._context.shared_backoff is not None:
            heeded_s = min(self._told_until_s or 0.0, self.due_s + self._context.behaviour.retry.retry_after_cap_s)
            not_before_s = max(not_before_s, self._context.shared_backoff.next_slot_s(step), heeded_s)
        if not_before_s and not_before_s > self._context.clock():
            self._wait_until(not_before_s)
            self.due_s = not_before_s

    def _told_or_backoff_s(self, failed: AttemptFailed) -> float:
        """For how long this refusal is to hold back the fleet."""
        retry = self._context.behaviour.retry
        told = retry_after_s(seen_headers(retry, failed), time.time())
        return backoff_s(retry, self.failures()) if told is None else min(told, retry.retry_after_cap_s)
