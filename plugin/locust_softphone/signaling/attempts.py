"""The attempts of one softphone: when each was due, how it ended, and whether a retry honoured its Retry-After.

due          the planned start for the first attempt of a set-up, the end of the previous attempt for the next one,
             the end of the wait for a retry
told until   the end of the last refusal's Retry-After, whether or not the softphone honours it
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from math import inf
from typing import ParamSpec, TypeVar

from tenacity import RetryCallState

from locust_softphone.errors import AttemptFailed
from locust_softphone.limits.advice import NO_ADVICE, LimitAdvice
from locust_softphone.metrics.attempt import Attempt
from locust_softphone.metrics.outcome import Outcome, abnormal_cause
from locust_softphone.metrics.retry_after_sample import RetryAfterSample
from locust_softphone.metrics.steps import backs_off_with, request_steps
from locust_softphone.retry.adaptive import AdaptiveRates
from locust_softphone.retry.strategies import backoff_s, failure_of, visible_advice
from locust_softphone.signaling.context import SoftphoneContext
from locust_softphone.signaling.dialect import Reply
from locust_softphone.signaling.websocket import ABNORMAL

__all__ = ["Attempts"]

P = ParamSpec("P")
T = TypeVar("T")


class Attempts:
    """Makes, measures and counts the attempts of one softphone.

    Args:
        context: what the softphones of this process share.
        wait_until: lets the softphone wait until an instant while it listens to its WebSocket.
        softphone: the number of the softphone.
        leaves_s: when the softphone leaves, if that is before the plan's end.
    """

    def __init__(
        self,
        context: SoftphoneContext,
        wait_until: Callable[[float], None],
        softphone: int = -1,
        leaves_s: float = inf,
    ) -> None:
        self.due_s = 0.0
        self._softphone = softphone
        self._context = context
        self._leaves_s = leaves_s
        self._retry = context.behaviour.retry
        self._wait_until = wait_until
        self._told_until_s: float | None = None
        self._not_before_s: dict[str, float] = {}
        self._failures: Counter[str] = Counter()
        self._planned: set[str] = set()
        self._rates = context.adaptive_rates
        if self._rates is None and self._retry.adaptive:
            self._rates = AdaptiveRates(self._retry.adaptive)
        self._counted = request_steps(context.dialect.name)
        self._backs_off_with = backs_off_with(context.dialect.name)

    def begin(self, due_s: float, planned: frozenset[str]) -> None:
        """Begin a set-up. One attempt of each ``planned`` step costs nothing of the retry budget."""
        self.due_s = due_s
        self._planned = set(planned)
        self._failures.clear()

    def make(self, step: str, request: Callable[P, Reply[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """Make one attempt of a step, and measure and count it.

        Raises:
            AttemptFailed: as ``request`` does; ``CANCELLED`` when the plan is over or ``OVER_BUDGET`` when the retry
                budget is spent, both without an attempt.
        """
        self._await_slot(step)
        self._await_rate(step)
        began_s = self._context.clock()
        if began_s >= min(self._context.end_s, self._leaves_s):
            raise AttemptFailed(Outcome.CANCELLED)
        self._pay(step)
        planned_s = min(self.due_s, began_s)
        self._sample_retry(step, began_s)
        try:
            result, advice = request(*args, **kwargs)
        except AttemptFailed as failed:
            self.ended(step, planned_s, began_s, failed)
            self.note_failure(step, failed)
            self._adapt(step, failed)
            if self._context.shared_backoff is not None and failed.says_too_fast:
                self._context.shared_backoff.refused(step, self._hold_s(failed))
            if step == "handshake":
                self.closed(failed)
            raise
        except Exception:
            raise  # a bug in this package must be seen
        except BaseException:
            self.ended(step, planned_s, began_s, AttemptFailed(Outcome.CANCELLED))
            raise
        self.ended(step, planned_s, began_s, None, advice)
        self._adapt(step, None)
        if advice.reset_s and self._retry.remaining == "honour":
            self._not_before_s[step] = self.due_s + min(advice.reset_s, self._retry.retry_after_cap_s)
        return result

    def ended(
        self,
        step: str,
        planned_s: float,
        began_s: float,
        failure: AttemptFailed | None,
        advice: LimitAdvice = NO_ADVICE,
    ) -> None:
        """Report the end of an attempt; the next one is due now."""
        ended_s = self.due_s = self._context.clock()
        number = self._softphone
        if failure is None:
            attempt = Attempt(step, planned_s, began_s, ended_s, Outcome.OK, softphone=number, advice=advice)
        else:
            how = failure.outcome, failure.status, failure.close_code, failure.foreign
            attempt = Attempt(step, planned_s, began_s, ended_s, *how, number, failure.advice)
        self._context.observer.attempt(attempt, failure)

    def closed(self, failure: AttemptFailed) -> None:
        """Count the end of a WebSocket that the softphone did not close itself."""
        at_s = self._context.clock()
        code = ABNORMAL if failure.close_code is None else failure.close_code
        self._context.observer.count(f"closes.{code}", at_s)
        if code == ABNORMAL:
            self._context.observer.count(f"abnormal_closes.{abnormal_cause(failure.outcome)}", at_s)

    # Failures and retries.

    def note_failure(self, step: str, failure: AttemptFailed) -> None:
        """Count a failed try of a step, for the back-off after it."""
        together = self._backs_off_with[step]
        self._failures[together] += 1
        failure.tries = self._failures[together]

    def failures(self, step: str) -> int:
        """How often a step, or one that shares its back-off, has failed in this set-up."""
        return self._failures[self._backs_off_with[step]]

    def before_retry(self, state: RetryCallState) -> None:
        """Note a retry before tenacity waits for it."""
        wait_s = state.upcoming_sleep
        failed_s = self.due_s
        self.due_s = failed_s + wait_s
        failure = failure_of(state)
        told_s = None if failure is None else failure.without_frames().advice.retry_after_s  # kept during the wait
        self._told_until_s = None if told_s is None else failed_s + told_s
        self._context.observer.count("retries", failed_s)
        self._context.observer.duration("retry_wait", wait_s)

    def _sample_retry(self, step: str, began_s: float) -> None:
        """Report when a retry came and when its Retry-After was over, where there was one."""
        told_until_s, self._told_until_s = self._told_until_s, None
        if told_until_s is not None:
            self._context.observer.retry(RetryAfterSample(step, told_until_s, began_s))

    def _pay(self, step: str) -> None:
        """Take an attempt that is not planned from the retry budget."""
        if step in self._planned:
            self._planned.remove(step)
        elif step in self._counted and not self._context.budget.take():
            self._context.observer.count("retries.over_budget", self._context.clock())
            raise AttemptFailed(Outcome.OVER_BUDGET)

    def _await_slot(self, step: str) -> None:
        """Wait while earlier responses forbid an attempt of this step.

        The last response to this step can say that nothing remains until the limit resets. A 429 to any softphone can
        hold back all of them.

        Raises:
            AttemptFailed: ``CANCELLED``, the plan is over before that.
        """
        not_before_s = self._not_before_s.pop(step, 0.0)
        if self._context.shared_backoff is not None:
            told_until_s = min(self._told_until_s or 0.0, self.due_s + self._retry.retry_after_cap_s)
            not_before_s = max(not_before_s, self._context.shared_backoff.next_slot_s(step), told_until_s)
        if not_before_s >= min(self._context.end_s, self._leaves_s):
            raise AttemptFailed(Outcome.CANCELLED)
        if not_before_s and not_before_s > self._context.clock():
            self._wait_until(not_before_s)
            self.due_s = not_before_s

    def _await_rate(self, step: str) -> None:
        """Wait while the adaptive rate of this step forbids an attempt.

        Raises:
            AttemptFailed: ``CANCELLED``, the plan is over before that.
        """
        if self._rates is None or step not in self._counted:
            return
        clock, rate = self._context.clock, self._rates.of(step)
        number = rate.ask(clock())
        while wait_s := rate.wait_s(number, clock()):
            until_s = clock() + wait_s
            if until_s >= min(self._context.end_s, self._leaves_s):
                raise AttemptFailed(Outcome.CANCELLED)
            self._wait_until(until_s)
            self.due_s = max(self.due_s, until_s)

    def _adapt(self, step: str, failed: AttemptFailed | None) -> None:
        """Tell the adaptive rate of this step how an attempt ended."""
        if self._rates is not None and step in self._counted:
            limited = failed is not None and failed.says_too_fast
            self._rates.of(step).answered(self._context.clock(), limited=limited)

    def _hold_s(self, failed: AttemptFailed) -> float:
        """How long a refusal holds back all softphones."""
        retry = self._retry
        told_s = visible_advice(failed, browser=retry.upgrade_headers == "hidden").retry_after_s
        if told_s is None:
            return backoff_s(failed.tries, retry.initial_s, retry.multiplier, retry.max_wait_s)
        return min(told_s, retry.retry_after_cap_s)
