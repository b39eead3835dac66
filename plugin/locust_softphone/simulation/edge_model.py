"""The edge in virtual time: the limits, set-up, deadlines and drops of a policy, and the counters of an edge.

    request ──► too many early retries? ──► limits of the step ──► session known and ready? ──► answer
                       └ cut                     └ refused                └ 409, cut

It decides as the simulated edge does (edge/). It has no wire: a request is a call, and its answer a status with
headers. What all dialects share is here; ``virtual_dialect``, ``virtual_genesys_cloud`` and ``virtual_sip`` add their
sessions.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from math import inf
from typing import Any, NamedTuple, get_args

from locust_softphone.config.policy import LimitedStep, Policy
from locust_softphone.config.sip_policy import sip_status
from locust_softphone.limits.early_retries import EarlyRetryTracker
from locust_softphone.limits.keyed import KeyParts
from locust_softphone.limits.step_limits import Answer, StepLimits
from locust_softphone.limits.token_bucket import TokenBucket
from locust_softphone.simulation.virtual_time import VirtualTime

__all__ = ["CUT", "EdgeAnswer", "EdgeModel", "EdgeSession", "FirstRefusal"]


class EdgeAnswer(NamedTuple):
    """The answer to one request.

    Args:
        status: the HTTP status; 0 if the connection is cut instead.
        headers: rate-limit headers, and ``Retry-After``.
        delay_s: seconds by which the answer is delayed.
    """

    status: int
    headers: Mapping[str, str] = {}
    delay_s: float = 0.0


class FirstRefusal(NamedTuple):
    """The first request that was refused, or that cost its connection.

    Args:
        step: its step.
        limit: the name of the limit; for a connection, the cause.
        at_s: when.
    """

    step: str
    limit: str
    at_s: float


CUT = EdgeAnswer(0)
_CONFLICT = EdgeAnswer(409)


class EdgeSession:
    """The edge's side of one open WebSocket.

    Args:
        parts: what limits count it by.

    Attributes:
        on_cut: called when the edge drops the connection; None unless it is open.
    """

    __slots__ = ("answered", "deadline_s", "on_cut", "open", "parts", "ready_s")

    def __init__(self, parts: KeyParts) -> None:
        self.parts = parts
        self.open = False
        self.ready_s = inf
        self.answered = False
        self.deadline_s = inf
        self.on_cut: Callable[[], None] | None = None

    def cut(self) -> None:
        """Drop the connection."""
        self.open = False
        on_cut, self.on_cut = self.on_cut, None
        if on_cut is not None:
            on_cut()


class EdgeModel:
    """The state of one edge.

    Args:
        policy: what it allows.
        time: the clock, and the queue for its deadlines.
        epoch_s: the Unix epoch on that clock, for windows that are aligned to the wall clock.
    """

    def __init__(self, policy: Policy, time: VirtualTime, epoch_s: float) -> None:
        self.policy = policy
        self.first_refusal: FirstRefusal | None = None
        self._time = time
        self._epoch_s = epoch_s
        self._limits = {step: policy.limits_of(step, epoch_s) for step in get_args(LimitedStep)}
        self._request_limits = policy.request_limits(epoch_s)
        self._setup = TokenBucket(policy.setup.rate, policy.setup.burst)
        self._early_retries = EarlyRetryTracker()
        self._sessions: dict[str, dict[EdgeSession, None]] = {}
        self._drop_all_after_s = policy.drop_all_after_s
        self._open = self._peak = self._total = self._answered = 0
        self._steps: Counter[tuple[str, str]] = Counter()
        self._cuts: Counter[str] = Counter()

    # Requests. Each happens at the clock's instant.

    def token(self, parts: KeyParts) -> EdgeAnswer:
        """A request for a token."""
        return self._decide("token", parts, self._limits["token"])

    def request(self, step: str, parts: KeyParts) -> EdgeAnswer:
        """A REST request of the dialect genesys-cloud, within the limit of its token."""
        return self._decide(step, parts, self._request_limits)

    def handshake(self, session: EdgeSession) -> EdgeAnswer:
        """A WebSocket handshake: opens the session if it is admitted."""
        parts, now_s = session.parts, self._time.now_s
        answer = self._decide("handshake", parts, self._limits["handshake"])
        if answer.status != 200:
            return answer
        caps = self._limits["sessions"]
        if caps:
            capped = caps.admit(now_s, parts, session, self.wall_s())
            if not capped.admitted:
                self._steps["handshake", "admitted"] -= 1
                return self._refused("handshake", "sessions", parts, capped)
            for evicted in capped.evicted:
                if isinstance(evicted, EdgeSession):
                    self.cut(evicted, "evicted")
            if capped.cut_after_s < inf:
                self._time.call_at(now_s + capped.cut_after_s, partial(self.cut, session, "beyond_cap"))
        self._opened(session)
        return answer._replace(status=101)

    def offer(self, session: EdgeSession) -> EdgeAnswer:
        """An offer of the dialect media-offer, for this session."""
        limits, now_s = self._limits["offer"], self._time.now_s
        limits.release(now_s, session.parts, session)
        answer = self._decide("offer", session.parts, limits, session if session.open else None)
        if answer.status == 0:
            return answer
        if answer.status >= 300:
            if session.open and session.deadline_s == inf:
                session.deadline_s = now_s + self.policy.offer_deadline_s
                self._time.call_at(session.deadline_s, partial(self._offer_deadline, session))
            return answer
        if session.open and now_s >= session.ready_s:
            session.deadline_s = inf
            self.answered(session)
            return answer._replace(status=201)
        self._steps["offer", "admitted"] -= 1
        self._steps["offer", "409"] += 1
        self.cut(session, "early_offer")
        return _CONFLICT

    def sip_request(self, step: str, session: EdgeSession) -> EdgeAnswer:
        """A registration or an offer of the dialect sip, for this session."""
        limits, now_s = self._limits[step], self._time.now_s
        if step == "offer":
            limits.release(now_s, session.parts, session)
        answer = self._decide(step, session.parts, limits, session if session.open else None)
        status = sip_status(answer.status)
        if status != answer.status:
            self._steps[step, str(answer.status)] -= 1
            self._steps[step, str(status)] += 1
        return answer._replace(status=status)

    # Sessions.

    def reserve_set_up(self, session: EdgeSession) -> float:
        """The seconds until the session becomes ready."""
        seconds = self._setup.reserve(self._time.now_s)
        session.ready_s = self._time.now_s + seconds
        return seconds

    def answered(self, session: EdgeSession) -> None:
        """Count a session as answered, once for all of its calls."""
        if not session.answered:
            session.answered = True
            self._answered += 1

    def cut(self, session: EdgeSession, cause: str) -> None:
        """Drop a connection without a close frame, if it is open."""
        if session.open:
            self._cuts[cause] += 1
            self._note("sessions", cause)
            self._ended(session)
            session.cut()

    def closed(self, session: EdgeSession) -> None:
        """The client has closed the connection, or dropped it."""
        if session.open:
            session.open = False
            session.on_cut = None
            self._ended(session)

    def wall_s(self) -> float:
        """Seconds since the Unix epoch."""
        return self._time.now_s - self._epoch_s

    def counters(self) -> dict[str, Any]:
        """The counters, as ``GET /stats`` of the simulated edge shows them; those that the ledger needs."""
        steps: dict[str, Any] = {}
        for (step, what), number in self._steps.items():
            row = steps.setdefault(step, {"requests": 0, "admitted": 0, "refused": {}, "cut": 0})
            row["requests"] += number
            if what in row:
                row[what] += number
            elif number:
                row["refused"][what] = number
        sessions = {"open": self._open, "peak": self._peak, "total": self._total, "answered": self._answered}
        return {"steps": steps, "cuts": dict(self._cuts), "sessions": sessions}

    def _decide(self, step: str, parts: KeyParts, limits: StepLimits, session: EdgeSession | None = None) -> EdgeAnswer:
        now_s = self._time.now_s
        if self._early_retries.times_early(parts.client, step, now_s) > self.policy.max_early_retries:
            self._steps[step, "cut"] += 1
            for each in tuple(self._sessions.get(parts.client, ())):
                self.cut(each, "early_retries")
            return CUT
        answer = limits.admit(now_s, parts, session, self.wall_s())
        if not answer.admitted:
            return self._refused(step, step, parts, answer)
        self._steps[step, "admitted"] += 1
        return EdgeAnswer(200, answer.headers, answer.delay_s)

    def _refused(self, step: str, part: str, parts: KeyParts, answer: Answer) -> EdgeAnswer:
        now_s = self._time.now_s
        self._steps[step, str(answer.status)] += 1
        self._note(part, answer.by)
        if answer.told_s is not None:
            self._early_retries.must_wait(parts.client, step, now_s + answer.told_s, now_s)
        return EdgeAnswer(answer.status, answer.headers, answer.delay_s)

    def _note(self, step: str, limit: str) -> None:
        if self.first_refusal is None:
            self.first_refusal = FirstRefusal(step, limit, self._time.now_s)

    def _opened(self, session: EdgeSession) -> None:
        session.open = True
        self._sessions.setdefault(session.parts.client, {})[session] = None
        self._total += 1
        self._open += 1
        self._peak = max(self._peak, self._open)
        if self._drop_all_after_s is not None:
            self._time.call_at(self._time.now_s + self._drop_all_after_s, self._drop_all)
            self._drop_all_after_s = None

    def _ended(self, session: EdgeSession) -> None:
        self._open -= 1
        peers = self._sessions[session.parts.client]
        del peers[session]
        if not peers:
            del self._sessions[session.parts.client]
        for step in ("sessions", "offer"):
            self._limits[step].release(self._time.now_s, session.parts, session)

    def _offer_deadline(self, session: EdgeSession) -> None:
        if session.deadline_s <= self._time.now_s:
            self.cut(session, "offer_deadline")

    def _drop_all(self) -> None:
        for session in [each for peers in self._sessions.values() for each in peers]:
            self.cut(session, "drop_all")
