"""One step of a real edge, as a probe sees it: requests from threads, at the times that the probe's design says.

    token         POST for a token, from a new client each time
    identity, …   the steps between token and handshake, of a dialect that has them
    handshake     a WebSocket, from a new client each time; it stays open until the probe closes it
    registration  in a dialect that has it: of a new client each time, which is connected already and leaves then
    offer         an offer on one of the sessions that were opened for it

A refusal is an answer of the edge that says no: 429, 503, 408, 502, 504. What fails before it reaches the edge, or for
another reason, is counted apart and is not an observation.
"""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from functools import partial
from math import inf
from threading import Event, Lock, Thread

from locust_softphone.errors import AttemptFailed, InputError
from locust_softphone.limits.advice import LimitAdvice
from locust_softphone.limits.inference.observations import Observation
from locust_softphone.metrics.failure_advice import advice_for
from locust_softphone.metrics.outcome import Outcome
from locust_softphone.metrics.steps import ready_step, request_steps
from locust_softphone.probing.probe_target import NO_HINT, Hint, Pace
from locust_softphone.signaling.dialect import Dialect, DialectClient, Session
from locust_softphone.signaling.token import Token

__all__ = ["WireTarget", "probed_steps"]

THREADS = 200  # requests under way at the same time
LISTEN_EVERY_S = 2.0  # open sessions answer their pings this often
LISTEN_S = 0.0005
MOST_FAILED = 20  # attempts without an answer, before the probe ends
REFUSED = {Outcome.RATE_LIMITED, Outcome.UNAVAILABLE, Outcome.PROXY_ERROR}


def probed_steps(dialect: Dialect) -> tuple[str, ...]:
    """The steps of a dialect that can be probed, in order."""
    client = dialect.client(0)
    between = [name for name, _ in client.setup_steps()]
    after = {ready_step(dialect.name)} & set(request_steps(dialect.name))
    return (*(() if client.given_token else ("token",)), *between, "handshake", *after, "offer")


class WireTarget:
    """One step of an edge.

    Args:
        dialect: speaks to the edge.
        step: a name of ``probed_steps``.
        first_number: of the clients; two targets at one edge need different ones.
        needs_tls: as for ``advice_for``.
        clock: seconds, and the clock of the observations.
    """

    def __init__(
        self,
        dialect: Dialect,
        step: str,
        *,
        first_number: int = 0,
        needs_tls: Callable[[], bool] = lambda: False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.failures: Counter[str] = Counter()
        self.refusals: Counter[int] = Counter()
        self.told_s: list[float | None] = []
        self.hint = NO_HINT
        self.dropped = 0
        self.opens_sessions = step == "handshake"
        self._dialect = dialect
        self._step = step
        self._needs_tls = needs_tls
        self._clock = clock
        self._next_number = first_number
        self._token: Token | None = None
        self._lock = Lock()
        self._token_lock = Lock()
        self._clients: list[DialectClient] = []  # of the sessions that offers are made on
        self._open: deque[Session] = deque()
        self._idle: deque[tuple[float, Session]] = deque()
        self._answers: list[Observation] = []
        self._fatal: InputError | None = None
        self._interrupted = False
        self._ended = Event()
        self._threads = ThreadPoolExecutor(THREADS)
        self._listener = Thread(target=self._listen, daemon=True)
        self._listener.start()

    # What a probe asks for.

    def now(self) -> float:
        return self._clock()

    def wait(self, seconds: float) -> None:
        if self._interrupted:
            raise KeyboardInterrupt
        time.sleep(max(0.0, seconds))

    def send(self, pace: Pace) -> list[Observation]:
        """As ``ProbeTarget.send``. After Ctrl-C, what has been answered is returned, and the next call raises.

        Raises:
            InputError: the edge does not accept the credentials, or does not answer at all.
        """
        if self._interrupted:
            raise KeyboardInterrupt
        answers = self._answers = []
        pending = []
        try:
            while self._fatal is None and (due_s := pace(self._clock(), answers)) is not None:
                time.sleep(max(0.0, due_s - self._clock()))
                pending.append(self._threads.submit(self._attempt, answers))
            wait(pending)
        except KeyboardInterrupt:
            self._interrupted = True
            wait(pending)
        for each in pending:
            each.result()
        if self._fatal is not None:
            raise self._fatal
        return sorted(answers)

    def close(self, count: int) -> int:
        with self._lock:
            closing = [self._open.popleft() for _ in range(min(count, len(self._open)))]
        for _ in self._threads.map(_bye, closing):
            pass
        return len(closing)

    def end(self) -> None:
        """Close everything."""
        self._ended.set()
        self._listener.join()
        with self._lock:
            self._open.extend(session for _, session in self._idle)
            self._idle.clear()
        self.close(len(self._open))
        for client in self._clients:
            client.close_idle()
        self._threads.shutdown()

    # One request.

    def _attempt(self, answers: list[Observation]) -> None:
        try:
            request = self._prepare()
        except AttemptFailed as failed:
            self._failed(failed, before=" in a step before it")
            return
        known_open, sent_s = len(self._open), self._clock()
        try:
            session = request()
        except AttemptFailed as failed:
            if failed.outcome not in REFUSED and failed.status != 408:
                self._failed(failed)
                return
            answers.append(Observation(sent_s, self._clock(), False, known_open))
            with self._lock:
                self.refusals[failed.status or 0] += 1
                self.told_s.append(failed.advice.retry_after_s)
                self.hint = _hint(failed.advice)
            return
        answers.append(Observation(sent_s, self._clock(), True, known_open))
        if session is not None:
            with self._lock:
                self._open.append(session)

    def _failed(self, failed: AttemptFailed, before: str = "") -> None:
        with self._lock:
            self.failures[str(failed)] += 1
            many = self.failures.total() >= MOST_FAILED and self.failures.total() > len(self._answers) / 5
            if failed.outcome is Outcome.UNAUTHORIZED:
                self._fatal = InputError(f"{self._step}: the edge does not accept the credentials ({failed})")
            elif many and self._fatal is None:
                advice = advice_for(failed.outcome, failed.status, self._needs_tls)
                why = f": {advice}" if advice else ""
                failures = f"{self.failures.total()} attempts failed"
                self._fatal = InputError(f"{self._step}: {failures}{before} ({failed}){why}")

    def _prepare(self) -> Callable[[], Session | None]:
        """Do what comes before the step; the returned function makes one attempt of it."""
        if self._step == "offer":
            return self._prepare_offer()
        if self._step == ready_step(self._dialect.name):
            return self._prepare_registration()
        client = self._client()
        if self._step == "token":
            return partial(_only, client, partial(client.fetch_token, self._clock()))
        token = self._shared_token()
        try:
            for name, step in client.setup_steps():
                if name == self._step:
                    return partial(_only, client, partial(step, token))
                step(token)
        except AttemptFailed:
            client.close_idle()
            raise
        client.close_idle()
        return lambda: client.connect(token)[0]

    def _prepare_registration(self) -> Callable[[], None]:
        """A session that is connected and not registered."""
        session = self._open_session(ready=False)

        def register() -> None:
            try:
                session.wait_ready()
            finally:
                self._threads.submit(_bye, session)

        return register

    def _prepare_offer(self) -> Callable[[], None]:
        """A session that is ready, and was not told to wait."""
        session = self._take_idle() or self._open_session()
        token = self._shared_token()

        def offer() -> None:
            until_s = 0.0
            try:
                session.offer(token)
            except AttemptFailed as failed:
                if failed.close_code is not None or failed.status == 409:
                    session.abort()
                    raise
                until_s = self._clock() + (failed.advice.retry_after_s or 1.0)
                raise
            finally:
                with self._lock:
                    self._idle.append((until_s, session))

        return offer

    def _take_idle(self) -> Session | None:
        with self._lock:
            for _ in range(len(self._idle)):
                not_before_s, session = self._idle.popleft()
                if not_before_s <= self._clock():
                    return session
                self._idle.append((not_before_s, session))
        return None

    def _open_session(self, *, ready: bool = True) -> Session:
        """A new session; a refusal on the way to it is waited for, longer each time."""
        for wait_s in (0.5, 1.0, 2.0, 4.0, 8.0, 0.0):
            client, token = self._client(), self._shared_token()
            try:
                for _, step in client.setup_steps():
                    step(token)
                session = client.connect(token)[0]
                with self._lock:
                    self._clients.append(client)
                if ready:
                    session.wait_ready()
            except AttemptFailed as failed:
                client.close_idle()
                if failed.outcome not in REFUSED or not wait_s:
                    raise
                time.sleep(max(wait_s, failed.advice.retry_after_s or 0.0))
            else:
                return session
        raise AssertionError("the last try raises")

    def _client(self) -> DialectClient:
        with self._lock:
            self._next_number += 1
            return self._dialect.client(self._next_number - 1)

    def _shared_token(self) -> Token:
        """The token of all requests, fetched by a client of its own."""
        client = self._client()
        if client.given_token:
            return Token(client.given_token, inf, inf)
        with self._token_lock:
            token = self._token
            if token is None or self._clock() >= token.refresh_s:
                try:
                    token = self._token = client.fetch_token(self._clock())[0]
                finally:
                    client.close_idle()
            return token

    # Sessions that stay open.

    def _listen(self) -> None:
        """Answer the pings of the sessions that stay open, and count those that the edge ends."""
        while not self._ended.wait(LISTEN_EVERY_S):
            with self._lock:
                sessions: Sequence[Session] = [*self._open, *(session for _, session in self._idle)]
            for session in sessions:
                try:
                    session.listen(LISTEN_S)
                except AttemptFailed:
                    if self._forget(session):
                        self.dropped += 1
                        session.abort()

    def _forget(self, session: Session) -> bool:
        """Whether the probe still had the session: one that it closes itself has been taken out before."""
        with self._lock:
            idle = len(self._idle)
            self._idle = deque(each for each in self._idle if each[1] is not session)
            try:
                self._open.remove(session)
            except ValueError:
                return len(self._idle) < idle
            return True


def _hint(advice: LimitAdvice) -> Hint:
    """What a refusal said; of two waits the longer one."""
    quota, window_s = advice.limit or (None, None)
    waits_s = [each for each in (advice.retry_after_s, advice.reset_s) if each is not None]
    return Hint(quota, window_s, max(waits_s, default=None))


def _only(client: DialectClient, request: Callable[[], object]) -> None:
    """The only request of a client."""
    try:
        request()
    finally:
        client.close_idle()


def _bye(session: Session) -> None:
    try:
        session.bye()
    except AttemptFailed:
        session.abort()
