"""One softphone: token, handshake, ready, offer, answer; then it holds, idle but listening, until it hangs up.

    call()     walks the steps; a failed step is retried as the profile says, from where the set-up stands:
               while the session lives only the offer is repeated
    hold()     answers pings and notices drops; a call that is dropped is set up again, the drop counting as the
               first failed try
    hang_up()  bye, close 1000

Each step of a set-up may be tried again so many times. Whatever happens is told to an ``Observer``; nothing is raised
but what stops the softphone from outside.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from math import inf
from typing import TypeVar

from tenacity import RetryCallState, Retrying
from tenacity.stop import stop_base

from locust_softphone.errors import AttemptFailed
from locust_softphone.metrics.outcome import Outcome
from locust_softphone.metrics.steps import connection_steps
from locust_softphone.retry.strategies import is_retryable, retrying
from locust_softphone.signaling.attempts import Attempts
from locust_softphone.signaling.context import SoftphoneContext
from locust_softphone.signaling.dialect import Reply, Session
from locust_softphone.signaling.token import Token

__all__ = ["Softphone"]

T = TypeVar("T")


class Softphone:
    """The ``number``-th softphone of the plan, due at ``planned_s``."""

    def __init__(self, context: SoftphoneContext, number: int, planned_s: float) -> None:
        self.context = context
        self.number = number
        self.planned_s = planned_s
        self.session: Session | None = None
        self.answered_calls = 0
        self._client = context.dialect.client(number)
        given = self._client.given_token
        self._given = Token(given, inf, inf) if given else None
        self._renews = not given and context.behaviour.retry.unauthorized == "renew"
        self._token: Token | None = None
        self._used_token: Token | None = None
        self._attempts = Attempts(context, self._wait_until)
        self._out_of_time = _OutOfTime(context)
        self._engine: Retrying | None = None
        self._started = self._connected = self._gave_up = self._in_call = self._resuming = False
        self._opens = True

    @property
    def connected(self) -> bool:
        """Whether its WebSocket is open."""
        return self.session is not None

    @property
    def in_call(self) -> bool:
        """Whether its call has been answered, and its WebSocket is still open."""
        return self._in_call and self.session is not None

    # What a scenario uses.

    def live(self) -> None:
        """The whole life that the profile describes: its calls, then holding on until the plan is over."""
        calls = self.context.behaviour.calls
        for index in range(calls.count):
            planned_s = self.planned_s + index * calls.every_s
            if index:
                self._hold_until(min(planned_s, self.context.end_s))
                if self.context.behaviour.connection == "per-call":
                    self.hang_up()
            if max(planned_s, self.context.clock()) >= self.context.end_s:
                break
            self.call(planned_s)
        self._hold_until(self.context.end_s)
        self.hang_up()

    def start(self) -> None:
        """Note that the softphone has come to act, and how long after its own instant that is."""
        if not self._started:
            self._started = True
            now_s = self.context.clock()
            self.context.observer.count("started", now_s)
            self.context.observer.duration("start_lag", now_s - self.planned_s)

    def call(self, planned_s: float | None = None) -> bool:
        """Set up a call; returns whether it was answered.

        Args:
            planned_s: when the plan has it begin, in seconds since the plan's start; now by default.
        """
        self.start()
        observer, began_s = self.context.observer, self.context.clock()
        planned_s = began_s if planned_s is None else planned_s
        failure, in_time = self._establish(planned_s, self._planned_steps())
        ended_s = self.context.clock()
        if failure is None:
            self.answered_calls += 1
            if self.answered_calls == self.context.behaviour.calls.count and not self._gave_up:
                observer.count("answered", ended_s)
        elif in_time and not self._gave_up and self.answered_calls < self.context.behaviour.calls.count:
            self._gave_up = True
            observer.count("gave_up", ended_s)
        observer.call(planned_s, began_s, ended_s, failure)
        return failure is None

    def hold(self, seconds: float) -> None:
        """Stay for so long, but not beyond the plan's end: answer pings, notice a drop and call again after it."""
        self._hold_until(min(self.context.clock() + seconds, self.context.end_s))

    def hang_up(self) -> None:
        """Say bye and close with 1000; another call opens another connection."""
        self._opens = True
        self._close()

    def _close(self) -> None:
        self._in_call = False
        session, self.session = self.session, None
        self._forget_token()
        if session is None:
            return
        began_s = self.context.clock()
        if began_s > self.context.end_s + self.context.goodbye_s:
            session.abort()
            self._count_pings(session)
            self.context.observer.count("cut_off", began_s)
            return
        try:
            code = session.bye()
        except AttemptFailed as failed:
            self._attempts.ended("close", began_s, began_s, failed)
            self._attempts.closed(failed)
        else:
            self._attempts.ended("close", began_s, began_s, None)
            self.context.observer.count(f"closes.{code}", self.context.clock())
        finally:
            session.abort()
            self._count_pings(session)

    # How a call comes about.

    def _planned_steps(self) -> frozenset[str]:
        """The attempts that a call makes if each succeeds."""
        opens, self._opens = self._opens, False
        shared = self.context.shared_token is not None
        opening = connection_steps(self.context.dialect.name, shared_token=shared) if opens else frozenset[str]()
        return opening | {"offer"}

    def _establish(
        self, planned_s: float, planned: frozenset[str], dropped: AttemptFailed | None = None
    ) -> tuple[AttemptFailed | None, bool]:
        """Walk to an answered call, trying again as the profile says: the last failure, and whether it came in time.

        Args:
            planned_s: when it should begin.
            planned: the steps that cost nothing of the retry budget, once each.
            dropped: the end of the call that this one is to replace: it counts as the first failed try.
        """
        self._attempts.begin(planned_s, planned)
        self._resuming = dropped is not None and self.context.dialect.calls_outlive_connection
        self._in_call = False
        self._out_of_time.came = False
        try:
            if dropped is None:
                try:
                    self._set_up()
                except AttemptFailed as failed:
                    self._try_again(failed.without_frames())
            else:
                self._attempts.note_failure("handshake")
                self._try_again(dropped)
        except AttemptFailed as failed:
            cancelled = failed.outcome is Outcome.CANCELLED
            return failed.without_frames(), not self._out_of_time.came and not cancelled
        finally:
            self._client.close_idle()
        self._in_call = True
        return None, True

    def _try_again(self, failed: AttemptFailed) -> None:
        """Hand a try that failed to tenacity, as the first of its tries: most calls need none, and save the engine."""
        if not is_retryable(failed, renews=self._renews):
            raise failed
        pending = [failed]

        def next_try() -> None:
            if pending:
                raise pending.pop()
            self._set_up()

        if self._engine is None:  # kept, as what it is made of refers to itself
            self._engine = retrying(
                self.context.behaviour.retry,
                renews=self._renews,
                failures=self._attempts.failures,
                sleep=lambda wait_s: self._wait_until(self.context.clock() + wait_s),
                before_sleep=self._attempts.before_retry,
                out_of_time=self._out_of_time,
                now=time.time,
                uniform=self.context.random.uniform,
            )
        self._engine(next_try)

    def _set_up(self) -> None:
        """One walk through the steps that are still to be done."""
        if self.session is None:
            for step, prepare in self._client.setup_steps():
                self._authorized(step, prepare)
            self.session = self._authorized("handshake", self._client.connect)
            if not self._connected:
                self._connected = True
                self.context.observer.count("connected", self.context.clock())
        session = self.session
        try:
            if self.context.behaviour.ready == "wait" and not session.ready:
                self._attempts.make("ready", session.wait_ready)
        except AttemptFailed as failed:
            self._dropped(failed)
            if failed.outcome is Outcome.UNAUTHORIZED:
                self._reject_token()
            raise
        if self._resuming:
            return
        try:
            self._authorized("offer", session.offer)
        except AttemptFailed as failed:
            if failed.status == 409:
                self._leave_refused_session()
            elif failed.close_code is not None:  # the WebSocket that the call was set up on has ended
                self._dropped(failed)
            raise

    def _leave_refused_session(self) -> None:
        """The edge does not know the session: hear it cut the connection if it does, and close it if it does not."""
        if self.session is not None and self._listen(self.context.clock() + 1.0) is None:
            self._close()

    def _authorized(self, step: str, request: Callable[[Token], Reply[T]]) -> T:
        """A step that takes a token. A 401 is worth one new token and one more attempt, at once, where there is one."""
        token = self._used_token = self._bearer()
        try:
            return self._attempts.make(step, request, token)
        except AttemptFailed as failed:
            if failed.status != 401 or not self._renews:
                raise
        self._reject_token()
        return self._attempts.make(step, request, self._bearer())

    def _bearer(self) -> Token:
        if self._given is not None:
            return self._given
        if self.context.shared_token:
            failures = self._attempts.failures("token")
            try:
                return self.context.shared_token.get(self._fetch_token)
            except AttemptFailed:
                if self._attempts.failures("token") == failures:  # another softphone's attempt: no less our failed try
                    self._attempts.due_s = self.context.clock()
                    self._attempts.note_failure("token")
                raise
        if self._token is None or self.context.clock() >= self._token.expires_s:
            self._token = self._fetch_token()
        return self._token

    def _fetch_token(self) -> Token:
        return self._attempts.make("token", self._client.fetch_token, self.context.clock())

    def _reject_token(self) -> None:
        """The edge did not take the token that was used last."""
        self._token = None
        if self.context.shared_token and self._used_token:
            self.context.shared_token.reject(self._used_token)

    def _forget_token(self) -> None:
        """The connection has ended, and with it the token that was for this connection only."""
        if self.context.behaviour.token == "per-connection":
            self._token = None

    # Holding.

    def _hold_until(self, until_s: float) -> None:
        while self.context.clock() < until_s:
            dropped = self._listen(until_s)
            if dropped and self._in_call and self.context.behaviour.retry.max_retries:
                failure, _ = self._establish(self.context.clock(), frozenset(), dropped)
                self.context.observer.count("reconnects.failed" if failure else "reconnects", self.context.clock())

    def _wait_until(self, until_s: float) -> None:
        while self._listen(until_s):
            pass  # the connection dropped, the wait goes on

    def _listen(self, until_s: float) -> AttemptFailed | None:
        """Wait, answering pings; returns at once how the connection ended if it does, None when the time has come."""
        self._client.close_idle()
        while (remaining_s := until_s - self.context.clock()) > 0:
            if self.session is None:
                self.context.sleep(remaining_s)
                continue
            try:
                happened = self.session.listen(remaining_s)
            except AttemptFailed as failed:
                self._dropped(failed)
                return failed.without_frames()
            if happened:
                self.context.observer.count(happened, self.context.clock())
        return None

    def _dropped(self, failure: AttemptFailed) -> None:
        """The WebSocket has ended under us."""
        session, self.session = self.session, None
        self._forget_token()
        if session is not None:
            session.abort()
            self._count_pings(session)
            self._attempts.closed(failure)

    def _count_pings(self, session: Session) -> None:
        if session.pings:
            self.context.observer.count("pings_answered", self.context.clock(), session.pings)


class _OutOfTime(stop_base):
    """Ends the tries when the next one would come after the plan's end; ``came`` tells it from giving up."""

    def __init__(self, context: SoftphoneContext) -> None:
        self._context = context
        self.came = False

    def __call__(self, retry_state: RetryCallState) -> bool:
        if self._context.clock() + retry_state.upcoming_sleep >= self._context.end_s:
            self.came = True
        return self.came
