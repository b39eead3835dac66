"""One softphone: token, handshake, ready, offer, answer; then it stays connected until it hangs up.

    call()     does the steps. A failed step is retried as the profile says, from where the set-up stands: while the
               WebSocket is open, only the offer is repeated
    hold()     answers pings; sets a dropped call up again, with the drop as the first failed try
    hang_up()  says bye and closes with 1000

Everything that happens is reported to an ``Observer``. No failed attempt is raised to the caller.
"""

from __future__ import annotations

from math import inf

from tenacity import Retrying

from locust_softphone.errors import AttemptFailed
from locust_softphone.metrics.observed_attempts import OWN
from locust_softphone.metrics.outcome import Outcome
from locust_softphone.metrics.steps import connection_steps, ready_step
from locust_softphone.retry.engine import retrying
from locust_softphone.retry.strategies import is_retryable
from locust_softphone.signaling.attempts import Attempts
from locust_softphone.signaling.authorization import Authorization
from locust_softphone.signaling.context import SoftphoneContext
from locust_softphone.signaling.dialect import Session

__all__ = ["Softphone"]


class Softphone:
    """One softphone of the plan.

    Args:
        context: what it shares with the others.
        number: its number in the plan.
        planned_s: its planned start, in seconds after the plan's start.
        leaves_s: when it leaves, if that is before the plan's end.
    """

    def __init__(self, context: SoftphoneContext, number: int, planned_s: float, leaves_s: float = inf) -> None:
        self.context = context
        self.number = number
        self.planned_s = planned_s
        self.leaves_s = leaves_s
        self.session: Session | None = None
        self.answered_calls = 0
        self.cut_short = False
        """Whether the plan's end, or the time to leave, came before something that its script asks for."""
        self._client = context.dialect.client(number)
        self._attempts = Attempts(context, self._wait_until, number, leaves_s)
        self._authorization = Authorization(context, self._client, self._attempts)
        self._engine: Retrying | None = None
        self._ready_step = ready_step(context.dialect.name)
        self.started = self._connected = self._gave_up = self._in_call = self._resuming = False
        self._opens = True
        self._opened_s = 0.0

    @property
    def end_s(self) -> float:
        """When it hangs up: when it leaves, or at the plan's end, which moves up when the run is stopped."""
        return min(self.context.end_s, self.leaves_s)

    @property
    def connected(self) -> bool:
        """Whether its WebSocket is open."""
        return self.session is not None

    @property
    def in_call(self) -> bool:
        """Whether its call has been answered and its WebSocket is still open."""
        return self._in_call and self.session is not None

    # For scenarios.

    def live(self) -> None:
        """Do everything that the profile describes: make the calls, then stay until the plan is over."""
        self.make_calls()
        self.stay()

    def make_calls(self) -> None:
        """Make the calls of the profile, each at its planned time."""
        calls = self.context.behaviour.calls
        self.cut_short = True  # until the last call begins; what becomes of a call is counted elsewhere
        for index in range(calls.count):
            planned_s = self.planned_s + index * calls.every_s
            if index:
                self._hold_until(planned_s)
                if self.context.behaviour.connection == "per-call":
                    self.hang_up()
            if max(planned_s, self.context.clock()) >= self.end_s:
                break
            self.cut_short = index < calls.count - 1
            self._call(planned_s)

    def stay(self) -> None:
        """Stay connected until the plan is over or it is time to leave, then hang up.

        Thousands wake at the plan's end at once. Each gives way once, so that the event loop reads the network between
        some of them: otherwise no answer is read, and no master answered, until all have said bye.
        """
        self._hold_until(self.end_s)
        self.context.sleep(0.0)
        self.hang_up()

    def start(self) -> None:
        """Count the softphone as started, and record how late it is."""
        if not self.started:
            self.started = True
            now_s = self.context.clock()
            self.context.observer.count("started", now_s)
            self.context.observer.duration("start_lag", now_s - self.planned_s)

    def call(self, planned_s: float | None = None) -> bool:
        """Set up a call; returns whether it was answered.

        Args:
            planned_s: when the plan starts it, in seconds since the plan's start; now by default.
        """
        failure = self._call(self.context.clock() if planned_s is None else planned_s)
        if failure is not None and not self._exhausted(failure):
            self.cut_short = True
        return failure is None

    def _call(self, planned_s: float) -> AttemptFailed | None:
        self.start()
        observer, began_s = self.context.observer, self.context.clock()
        failure = self._establish(planned_s, self._planned_steps())
        ended_s = self.context.clock()
        wanted = self.context.behaviour.calls.count
        if failure is None:
            self.answered_calls += 1
            if self.answered_calls == wanted and not self._gave_up:
                observer.count("answered", ended_s)
        elif not self._gave_up and self.answered_calls < wanted and self._exhausted(failure):
            self._gave_up = True
            observer.count("gave_up", ended_s)
        observer.call(planned_s, began_s, ended_s, failure)
        return failure

    def hold(self, seconds: float | None = None) -> None:
        """Stay connected for a number of seconds, or without a number, until it leaves; never beyond that."""
        until_s = self.end_s if seconds is None else self.context.clock() + seconds
        self._hold_until(until_s)
        if until_s > self.end_s:
            self.cut_short = True

    def hang_up(self) -> None:
        """Say bye and close with 1000; another call opens another connection."""
        self._opens = True
        self._close()

    def release(self) -> None:
        """Free what it is made of, when it has hung up for good.

        Its parts call it back. Without this, only the garbage collector would free such a cycle.
        """
        if self._engine is not None:
            self._engine.iter_state.reset()
            self._engine = None
        del self._attempts, self._authorization

    def _close(self) -> None:
        self._in_call = False
        session, self.session = self.session, None
        self._authorization.connection_ended()
        if session is None:
            return
        began_s = self.context.clock()
        self.context.observer.session(self._opened_s, began_s, OWN, self.number)
        if began_s > self.context.end_s + self.context.goodbye_s:
            session.abort()
            self._count_pings(session)
            self.context.observer.count("cut_off", began_s)
            return
        try:
            code = session.bye()
        except AttemptFailed as failed:
            self._attempts.ended("close", began_s, began_s, failed)
            self._count_end(failed)
        except BaseException:
            self._attempts.ended("close", began_s, began_s, AttemptFailed(Outcome.CANCELLED))
            self.context.observer.count("cut_off", self.context.clock())
            raise
        else:
            self._attempts.ended("close", began_s, began_s, None)
            self.context.observer.count(f"closes.{code}", self.context.clock())
        finally:
            session.abort()
            self._count_pings(session)

    # Setting up a call.

    def _planned_steps(self) -> frozenset[str]:
        """The steps of a call that needs no retry."""
        opens, self._opens = self._opens, False
        shared = self.context.shared_token is not None
        opening = connection_steps(self.context.dialect.name, shared_token=shared) if opens else frozenset[str]()
        return opening | {"offer"}

    def _establish(
        self, planned_s: float, planned: frozenset[str], dropped: AttemptFailed | None = None
    ) -> AttemptFailed | None:
        """Set up a call, with retries as the profile says; returns the last failure, or None if it was answered.

        Args:
            planned_s: when it should begin.
            planned: the steps that cost nothing of the retry budget, once each.
            dropped: the end of the call that this one replaces: it counts as the first failed try.
        """
        self._attempts.begin(planned_s, planned)
        self._resuming = dropped is not None and self.context.dialect.calls_outlive_connection
        self._in_call = False
        if dropped is not None:
            self._attempts.note_failure("handshake", dropped)
        try:
            self._try_until_answered(dropped)
        except AttemptFailed as failed:
            return failed.without_frames()
        finally:
            self._close_idle()
        self._in_call = True
        return None

    def _try_until_answered(self, failed: AttemptFailed | None) -> None:
        """Try once, and hand a failure to tenacity as the first of its tries.

        Most calls need no retry. Starting with tenacity would cost them 4 % more CPU (14 of 360 microseconds), and
        each softphone 2 KB for an engine.
        """
        if failed is None:
            try:
                return self._set_up()
            except AttemptFailed as first:
                failed = first.without_frames()
        if not is_retryable(failed, renews=self._authorization.renews):
            raise failed
        pending = [failed]

        def next_try() -> None:
            if pending:
                raise pending.pop()
            self._set_up()

        if self._engine is None:
            self._engine = self._make_engine()
        return self._engine(next_try)

    def _make_engine(self) -> Retrying:
        context = self.context
        return retrying(
            context.behaviour.retry,
            renews=self._authorization.renews,
            sleep=lambda wait_s: self._wait_until(context.clock() + wait_s),
            before_sleep=self._attempts.before_retry,
            end_s=lambda: self.end_s,
            clock=context.clock,
            uniform=context.random.uniform,
        )

    def _exhausted(self, failure: AttemptFailed) -> bool:
        """Whether no retry was allowed after a set-up's last failure; otherwise the plan ended first."""
        if is_retryable(failure, renews=self._authorization.renews):
            return failure.tries > self.context.behaviour.retry.max_retries
        return failure.outcome is not Outcome.CANCELLED

    def _set_up(self) -> None:
        """Do the steps that are left."""
        authorization = self._authorization
        if self.session is None:
            for step, prepare in self._client.setup_steps():
                authorization.make(step, prepare)
            self.session = authorization.make("handshake", self._client.connect)
            self._opened_s = self.context.clock()
            if not self._connected:
                self._connected = True
                self.context.observer.count("connected", self.context.clock())
        session = self.session
        try:
            if self.context.behaviour.ready == "wait" and not session.ready:
                self._attempts.make(self._ready_step, session.wait_ready)
        except AttemptFailed as failed:
            refused = failed.status is not None and failed.close_code is None  # by a response; the WebSocket is open
            if failed.outcome is not Outcome.CANCELLED and not refused:
                self._dropped(failed)
            if failed.outcome is Outcome.UNAUTHORIZED:
                authorization.reject()
            raise
        if self._resuming:
            return
        try:
            authorization.make("offer", session.offer)
        except AttemptFailed as failed:
            if failed.status == 409:
                self._leave_unknown_session()
            elif failed.close_code is not None:  # the WebSocket of the call has ended
                self._dropped(failed)
            raise

    def _leave_unknown_session(self) -> None:
        """The edge does not know the session: give it a second to drop the connection, then close it."""
        if self.session is not None and self._listen(self.context.clock() + 1.0) is None:
            self._close()

    # Staying connected.

    def _hold_until(self, until_s: float) -> None:
        while self.context.clock() < min(until_s, self.end_s):
            dropped = self._listen(until_s)
            if dropped and self._in_call and self.context.behaviour.retry.max_retries:
                failure = self._establish(self.context.clock(), frozenset(), dropped)
                self.context.observer.count("reconnects.failed" if failure else "reconnects", self.context.clock())

    def _wait_until(self, until_s: float) -> None:
        while self._listen(until_s):
            pass  # the connection dropped; the wait goes on

    def _listen(self, until_s: float) -> AttemptFailed | None:
        """Wait and answer pings; every wait of a softphone ends here.

        Returns:
            None at ``until_s`` or when it is time to hang up, or the end of the connection as soon as it ends.
        """
        self._close_idle()
        while (remaining_s := min(until_s, self.end_s) - self.context.clock()) > 0:
            if self.session is None:
                self.context.sleep(remaining_s)
                continue
            try:
                event = self.session.listen(remaining_s)
            except AttemptFailed as failed:
                self._dropped(failed)
                return failed.without_frames()
            if event:
                self.context.observer.count(event, self.context.clock())
        return None

    def _close_idle(self) -> None:
        """Close idle HTTP connections, and count those that the edge had closed before they were used again."""
        if reopened := self._client.close_idle():
            self.context.observer.count("connections_reopened", self.context.clock(), reopened)

    def _dropped(self, failure: AttemptFailed) -> None:
        """Clean up after a WebSocket that has ended; without a close code, it is the softphone that ends it now."""
        session, self.session = self.session, None
        self._authorization.connection_ended()
        if session is None:
            return
        own = failure.close_code is None or self.context.stands_still()
        how = OWN if own else f"{failure.outcome.value} {failure.close_code}"
        self.context.observer.session(self._opened_s, self.context.clock(), how, self.number)
        if failure.close_code is None:
            session.cut()
            self.context.observer.count("own_cuts", self.context.clock())
        else:
            session.abort()
            self._count_end(failure)
        self._count_pings(session)

    def _count_end(self, failure: AttemptFailed) -> None:
        """Count the end of a WebSocket: as the edge's, unless this process was silent for so long before."""
        if self.context.stands_still():
            self.context.observer.count("dropped_in_stall", self.context.clock())
        else:
            self._attempts.closed(failure)

    def _count_pings(self, session: Session) -> None:
        if session.pings:
            self.context.observer.count("pings_answered", self.context.clock(), session.pings)
