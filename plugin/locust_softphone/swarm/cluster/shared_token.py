"""One token for the whole fleet: the workers ask the master for it, the master asks the edge.

    softphone ─► RemoteToken (worker) ── TOKEN_REQUEST ──► MasterTokenProvider (master) ─► edge
                                     ◄── TOKEN_REPLY ────

Both ends cache it until it is due for renewal, so a fleet of any size costs one request. When the edge rejects it, the
first worker that reports this makes the master fetch a new one for all. The run counts the master's requests too.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from gevent.event import AsyncResult
from gevent.timeout import Timeout

from locust_softphone.errors import AttemptFailed
from locust_softphone.limits.advice import LimitAdvice
from locust_softphone.metrics.attempt import Attempt
from locust_softphone.metrics.outcome import Outcome
from locust_softphone.retry.budget import MASTER_PART, RetryBudget
from locust_softphone.signaling.dialect import Dialect
from locust_softphone.signaling.token import SharedToken, Token
from locust_softphone.swarm.load.recorder import Recorder

__all__ = ["MasterTokenProvider", "RemoteToken"]

_MASTER = 0


class MasterTokenProvider:
    """The master's end.

    Args:
        dialect: how to fetch a token from the edge.
        recorder: counts the attempts.
        clock: seconds since the plan's start.
        beyond_plan: how many attempts beyond the planned ones the whole fleet may make.
    """

    def __init__(
        self, dialect: Dialect, recorder: Recorder, clock: Callable[[], float], *, beyond_plan: float = 0.0
    ) -> None:
        self._budget = RetryBudget(1 + beyond_plan * MASTER_PART)  # the first token is planned
        self._client = dialect.client(_MASTER)
        self._recorder = recorder
        self._clock = clock
        self._shared = SharedToken(clock)
        self._token: Token | None = None

    def reply(self, rejected: str | None) -> dict[str, Any]:
        """The reply to a worker that asks for the token; ``rejected`` is the token that the edge rejected, if any."""
        if self._token is not None and rejected == self._token.bearer:
            self._shared.reject(self._token)
        try:
            token = self._token = self._shared.get(self._fetch)
        except AttemptFailed as failed:
            return {"outcome": failed.outcome.value, "status": failed.status, "advice": list(failed.advice)}
        return {"bearer": token.bearer, "expires_in_s": token.expires_s - self._clock()}

    def _fetch(self) -> Token:
        began_s = self._clock()
        if not self._budget.take():
            self._recorder.count("retries.over_budget", began_s)
            raise AttemptFailed(Outcome.OVER_BUDGET)
        try:
            token, _ = self._client.fetch_token(began_s)
        except AttemptFailed as failed:
            how = failed.outcome, failed.status, failed.close_code, failed.foreign
            attempt = Attempt("token", began_s, began_s, self._clock(), *how)
            self._recorder.attempt(attempt, failed)
            raise
        finally:
            self._client.close_idle()
        self._recorder.attempt(Attempt("token", began_s, began_s, self._clock(), Outcome.OK), None)
        return token


class RemoteToken:
    """The worker's end; it has the interface of ``TokenSource``.

    Args:
        request: sends the master a request, with the token that the edge rejected, if any.
        clock: seconds since the plan's start.
        timeout_s: how long to wait for the reply.
    """

    def __init__(self, request: Callable[[str | None], None], clock: Callable[[], float], timeout_s: float) -> None:
        self._request = request
        self._clock = clock
        self._timeout_s = timeout_s
        self._lock = threading.Lock()
        self._token: Token | None = None
        self._rejected: str | None = None
        self._reply: AsyncResult[dict[str, Any]] = AsyncResult()

    def get(self, fetch: Callable[[], Token]) -> Token:
        """The token; ``fetch`` is not used, since the master fetches it.

        Raises:
            AttemptFailed: the master's attempt failed, or its reply did not come in time.
        """
        if (token := self._cached()) is not None:
            return token
        with self._lock:
            if (token := self._cached()) is not None:
                return token
            self._reply = AsyncResult()
            self._request(self._rejected)
            try:
                reply = self._reply.get(timeout=self._timeout_s) or {}
            except Timeout:
                raise AttemptFailed(Outcome.TIMED_OUT) from None
            if "bearer" not in reply:
                advice = LimitAdvice(*reply["advice"])
                raise AttemptFailed(Outcome(reply["outcome"]), status=reply["status"], advice=advice)
            self._token = Token.granted(reply["bearer"], reply["expires_in_s"], self._clock())
            return self._token

    def receive(self, reply: dict[str, Any]) -> None:
        """Take the master's reply."""
        self._reply.set(reply)

    def reject(self, token: Token) -> None:
        """Note that the edge rejected ``token`` (HTTP 401)."""
        if self._token is token:
            self._rejected, self._token = token.bearer, None

    def _cached(self) -> Token | None:
        return self._token if self._token and self._clock() < self._token.refresh_s else None
