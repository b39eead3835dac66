"""The dialect ``media-offer`` in virtual time: what each step of a softphone does instead of sending bytes.

    token      2 round trips: one for the connection, one for the request; 1 on a connection that is kept
    handshake  2 round trips
    ready      until the edge's set-up is done
    offer      as the token, on the same connection
    close      1 round trip

It implements the interface of a dialect (``signaling.dialect``), so the softphone above it is the one of a run.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from math import inf

from locust_softphone.errors import AttemptFailed
from locust_softphone.limits.advice import NO_ADVICE, LimitAdvice
from locust_softphone.limits.keyed import KeyParts
from locust_softphone.metrics.outcome import Outcome, outcome_of_status
from locust_softphone.signaling.dialect import Reply, SetupStep
from locust_softphone.signaling.token import Token
from locust_softphone.simulation.edge_model import EdgeAnswer, EdgeModel, EdgeSession
from locust_softphone.simulation.network_model import Network
from locust_softphone.simulation.virtual_time import VirtualTime, Waiter

__all__ = ["VirtualClient", "VirtualMediaOffer", "VirtualSession", "VirtualWire"]

NORMAL, ABNORMAL = 1000, 1006


class VirtualWire:
    """What all softphones of a simulated run share below the dialect.

    Args:
        time: the clock.
        edge: the edge.
        network: how long messages take.
        timeout_s: bounds each attempt.
        reads_advice: whether the softphones read the rate-limit headers of admitted requests.
    """

    def __init__(
        self, time: VirtualTime, edge: EdgeModel, network: Network, *, timeout_s: float, reads_advice: bool
    ) -> None:
        self.time = time
        self.edge = edge
        self.network = network
        self.timeout_s = timeout_s
        self._reads_advice = reads_advice

    def ask(self, request: Callable[[], EdgeAnswer], *, connects: bool, code: int | None = None) -> LimitAdvice:
        """Make a request and wait for its answer.

        Args:
            request: what the edge does when the request arrives.
            connects: whether a connection must be opened first.
            code: the close code of a failure, for an upgrade.

        Raises:
            AttemptFailed: the edge refused, cut the connection or did not answer in time.
        """
        time, network = self.time, self.network
        deadline_s = time.now_s + self.timeout_s
        time.sleep(network.one_way_s() + (network.round_trip_s if connects else 0.0))
        time.sleep(network.work_s())
        answer = request()
        answered_s = time.now_s + answer.delay_s + network.one_way_s()
        if answered_s > deadline_s:
            time.sleep(deadline_s - time.now_s)
            raise AttemptFailed(Outcome.TIMED_OUT, close_code=code)
        time.sleep(answered_s - time.now_s)
        if not answer.status:
            raise AttemptFailed(Outcome.LOST, close_code=code)
        if answer.status >= 300:
            outcome = outcome_of_status(answer.status)
            raise AttemptFailed(outcome, status=answer.status, close_code=code, advice=self.advice(answer))
        return self.advice(answer) if self._reads_advice else NO_ADVICE

    def advice(self, answer: EdgeAnswer) -> LimitAdvice:
        """What an answer says about when to ask again."""
        headers = {name.lower(): value for name, value in answer.headers.items()}
        return LimitAdvice.from_headers(headers, self.edge.wall_s())


class VirtualClient:
    """The state of one softphone between attempts: whether its HTTP connection is open, and its tokens."""

    __slots__ = ("_kept", "_parts", "_tokens", "wire")

    given_token = ""

    def __init__(self, wire: VirtualWire, number: int) -> None:
        self.wire = wire
        self._parts = KeyParts("simulated", str(number), "", str(number), "127.0.0.1")
        self._kept = False
        self._tokens = 0

    def fetch_token(self, now_s: float) -> Reply[Token]:
        advice = self.ask(partial(self.wire.edge.token, self._parts))
        self._tokens += 1
        bearer = f"{self._parts.client}/{self._tokens}"
        return Token.granted(bearer, self.wire.edge.policy.token_expires_s, now_s), advice

    def setup_steps(self) -> Sequence[SetupStep]:
        return ()

    def connect(self, token: Token) -> Reply[VirtualSession]:
        session = VirtualSession(self, self.parts(token))
        return session, session.open()

    def close_idle(self) -> int:
        self._kept = False
        return 0

    def parts(self, token: Token) -> KeyParts:
        """What limits count a request with this token by."""
        return self._parts._replace(token=token.bearer)

    def ask(self, request: Callable[[], EdgeAnswer]) -> LimitAdvice:
        """Make a request on the kept HTTP connection; raises as ``VirtualWire.ask``."""
        kept, self._kept = self._kept, False
        advice = self.wire.ask(request, connects=not kept)
        self._kept = True
        return advice


class VirtualMediaOffer:
    """The dialect, and what the other dialects change of it."""

    name = "media-offer"
    calls_outlive_connection = False
    client_type: type[VirtualClient] = VirtualClient

    def __init__(self, wire: VirtualWire) -> None:
        self.wire = wire

    def client(self, number: int) -> VirtualClient:
        return self.client_type(self.wire, number)


class VirtualSession:
    """The softphone's side of one WebSocket."""

    __slots__ = ("_ended_s", "_lost_s", "_waiter", "_when_lost", "client", "edge_session", "ready")

    def __init__(self, client: VirtualClient, parts: KeyParts) -> None:
        self.client = client
        self.ready = False
        self.edge_session = EdgeSession(parts)
        self._when_lost: Callable[[], None] | None = None
        self._lost_s = inf
        self._ended_s = inf
        self._waiter: Waiter | None = None

    def open(self) -> LimitAdvice:
        """Connect and upgrade; raises as ``VirtualWire.ask``."""
        try:
            return self.client.wire.ask(self._arrive, connects=True, code=ABNORMAL)
        except BaseException:
            self.abort()
            raise

    def _arrive(self) -> EdgeAnswer:
        """The upgrade reaches the edge."""
        answer = self.client.wire.edge.handshake(self.edge_session)
        if answer.status == 101:
            self.edge_session.on_cut = self._cut
            self._upgraded()
        return answer

    def _upgraded(self) -> None:
        """What the edge does when a WebSocket opens: it sets the session up."""
        self.client.wire.edge.reserve_set_up(self.edge_session)

    @property
    def pings(self) -> int:
        """How many pings the edge has sent by now; each was answered."""
        wire = self.client.wire
        seconds = min(wire.time.now_s, self._ended_s, self._lost_s) - self.edge_session.ready_s
        return max(int(seconds / wire.edge.policy.ping_every_s), 0) if abs(seconds) < inf else 0

    def wait_ready(self) -> Reply[None]:
        """Wait for the message ``ready``."""
        wire = self.client.wire
        deadline_s = wire.time.now_s + wire.timeout_s
        self.wait_until(self.edge_session.ready_s + wire.network.one_way_s(), deadline_s)
        self.ready = True
        return None, NO_ADVICE

    def offer(self, token: Token) -> Reply[object]:
        edge = self.client.wire.edge
        return None, self.client.ask(partial(edge.offer, self.edge_session))

    def listen(self, timeout_s: float) -> str | None:
        self.wait(self.client.wire.time.now_s + timeout_s)
        return None

    def bye(self) -> int:
        wire = self.client.wire
        if wire.time.now_s >= self._lost_s:
            raise self._lost()
        self._ended_s = wire.time.now_s
        wire.time.sleep(wire.network.one_way_s())
        wire.edge.closed(self.edge_session)
        wire.time.sleep(wire.network.one_way_s())
        return NORMAL

    def cut(self) -> None:
        self.abort()

    def abort(self) -> None:
        wire = self.client.wire
        self._ended_s = min(self._ended_s, wire.time.now_s)
        if self.edge_session.open:
            arrives_s = wire.time.now_s + wire.network.one_way_s()
            wire.time.call_at(arrives_s, partial(wire.edge.closed, self.edge_session))

    def when_lost(self, act: Callable[[], None]) -> None:
        """Do ``act`` when the softphone can see that the edge has dropped the connection, if nothing waits for that."""
        self._when_lost = act
        if self._lost_s < inf:
            self.client.wire.time.call_at(self._lost_s, act)

    def wait(self, until_s: float) -> None:
        """Wait until an instant.

        Raises:
            AttemptFailed: the edge has dropped the connection.
        """
        time = self.client.wire.time
        if self._lost_s == inf and time.now_s < until_s:
            self._waiter = time.waiter()
            time.wait(self._waiter, until_s)
            self._waiter = None
        if time.now_s < self._lost_s < until_s:
            time.sleep(self._lost_s - time.now_s)
        if self._lost_s <= time.now_s:
            raise self._lost()

    def wait_until(self, at_s: float, deadline_s: float) -> None:
        """Wait until something comes at ``at_s``, but not beyond the deadline.

        Raises:
            AttemptFailed: as ``wait``, or ``TIMED_OUT``.
        """
        self.wait(min(at_s, deadline_s))
        if at_s > deadline_s:
            raise AttemptFailed(Outcome.TIMED_OUT)

    def exchange(self, times: int, deadline_s: float) -> None:
        """Send a message and wait for its answer, a number of times; raises as ``wait_until``."""
        wire = self.client.wire
        for _ in range(times):
            self.wait_until(wire.time.now_s + wire.network.one_way_s(), deadline_s)
            answered_s = wire.time.now_s + wire.network.work_s() + wire.network.one_way_s()
            self.wait_until(answered_s, deadline_s)

    def _cut(self) -> None:
        """The edge drops the connection now; the softphone sees it one way later."""
        time, network = self.client.wire.time, self.client.wire.network
        self._lost_s = time.now_s + network.one_way_s()
        if self._waiter is not None:
            time.call_at(self._lost_s, self._waiter)
        elif self._when_lost is not None:
            time.call_at(self._lost_s, self._when_lost)

    @staticmethod
    def _lost() -> AttemptFailed:
        return AttemptFailed(Outcome.LOST, close_code=ABNORMAL)
