"""One token for the whole fleet: the master asks the edge for it, the workers ask the master.

    softphone ─► RemoteToken (worker) ── want ──► MasterTokenProvider (master) ─► edge
                                     ◄─ token ──

Both sides keep it while it is good, so a fleet of any size costs one request; when the edge rejects it, the first
worker to say so has it replaced for all. What the master asks is counted with the rest of the run.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from gevent.event import AsyncResult
from gevent.timeout import Timeout

from locust_softphone.errors import AttemptFailed
from locust_softphone.limits.advice import LimitAdvice
from locust_softphone.metrics.outcome import Outcome
from locust_softphone.metrics.tally import Attempt
from locust_softphone.retry.budget import RetryBudget
from locust_softphone.signaling.dialect import Dialect
from locust_softphone.signaling.token import SharedToken, Token
from locust_softphone.swarm.load.recorder import Recorder

__all__ = ["MASTER_BUDGET_PART", "MasterTokenProvider", "RemoteToken"]

MASTER_BUDGET_PART = 1 / 3
"""The part of the retry budget that is the master's, where it fetches the fleet's token: one of three steps."""

_MASTER = 0


class MasterTokenProvider:
    """The master's side.

    Args:
        dialect: how to ask the edge.
        recorder: where the attempts are counted.
        clock: seconds since the plan's start.
        beyond_plan: how many attempts the whole fleet may make besides the planned ones.
    """

    def __init__(
        self, dialect: Dialect, recorder: Recorder, clock: Callable[[], float], *, beyond_plan: float = 0.0
    ) -> None:
        self._budget = RetryBudget(1 + beyond_plan * MASTER_BUDGET_PART)  # the fleet's first token is planned
        self._line = dialect.client(_MASTER)
        self._recorder = recorder
        self._clock = clock
        self._shared = SharedToken(clock)
        self._token: Token | None = None

    def serve(self, rejected: str | None) -> dict[str, Any]:
        """The answer to a worker that wants the token, and says which one the edge has rejected."""
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
            token, _ = self._line.fetch_token(began_s)
        except AttemptFailed as failed:
            attempt = Attempt("token", began_s, began_s, self._clock(), failed.outcome, failed.status)
            self._recorder.attempt(attempt, failed)
            raise
        finally:
            self._line.close_idle()
        self._recorder.attempt(Attempt("token", began_s, began_s, self._clock(), Outcome.OK), None)
        return token


class RemoteToken:
    """The worker's side, with the interface of ``SharedToken``.

    Args:
        ask: sends the master our wish, with the token that was rejected.
        clock: seconds since the plan's start.
        timeout_s: how long to wait for its answer.
    """

    def __init__(self, ask: Callable[[str | None], None], clock: Callable[[], float], timeout_s: float) -> None:
        self._ask = ask
        self._clock = clock
        self._timeout_s = timeout_s
        self._lock = threading.Lock()
        self._token: Token | None = None
        self._rejected: str | None = None
        self._answer: AsyncResult[dict[str, Any]] = AsyncResult()

    def get(self, fetch: Callable[[], Token]) -> Token:
        """The token; ``fetch`` is not used, for the master asks.

        Raises:
            AttemptFailed: the master's attempt failed, or it did not answer in time.
        """
        if (token := self._good()) is not None:
            return token
        with self._lock:
            if (token := self._good()) is not None:
                return token
            self._answer = AsyncResult()
            self._ask(self._rejected)
            try:
                answer = self._answer.get(timeout=self._timeout_s) or {}
            except Timeout:
                raise AttemptFailed(Outcome.TIMED_OUT) from None
            if "bearer" not in answer:
                advice = LimitAdvice(*answer["advice"])
                raise AttemptFailed(Outcome(answer["outcome"]), status=answer["status"], advice=advice)
            self._token = Token.granted(answer["bearer"], answer["expires_in_s"], self._clock())
            return self._token

    def answered(self, answer: dict[str, Any]) -> None:
        """The master has answered."""
        self._answer.set(answer)

    def reject(self, token: Token) -> None:
        """The edge did not take ``token`` (HTTP 401)."""
        if self._token is token:
            self._rejected, self._token = token.bearer, None

    def _good(self) -> Token | None:
        return self._token if self._token and self._clock() < self._token.refresh_s else None
