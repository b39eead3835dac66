"""Which token a softphone's requests carry, and what happens after a 401.

given            the token of a Genesys Cloud user; it cannot be renewed
shared           one token for all softphones (token.py)
per-softphone    the softphone's own, until it expires or the edge rejects it
per-connection   as per-softphone, but each connection begins with a new one
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import TypeVar

from locust_softphone.errors import AttemptFailed
from locust_softphone.signaling.attempts import Attempts
from locust_softphone.signaling.context import SoftphoneContext
from locust_softphone.signaling.dialect import DialectClient, Reply
from locust_softphone.signaling.token import Token

__all__ = ["Authorization"]

T = TypeVar("T")


class Authorization:
    """Makes the attempts of one softphone that need a token.

    Attributes:
        renews: whether a rejected token is replaced by a new one.
    """

    def __init__(self, context: SoftphoneContext, client: DialectClient, attempts: Attempts) -> None:
        given = client.given_token
        self.renews = not given and context.behaviour.retry.unauthorized == "renew"
        self._given = Token(given, inf, inf) if given else None
        self._context = context
        self._client = client
        self._attempts = attempts
        self._token: Token | None = None
        self._used: Token | None = None

    def make(self, step: str, request: Callable[[Token], Reply[T]]) -> T:
        """Make one attempt of a step; after a 401, one more at once with a new token, where tokens are renewed.

        Raises:
            AttemptFailed: as ``Attempts.make``, for the step or for the token.
        """
        token = self._used = self._current()
        try:
            return self._attempts.make(step, request, token)
        except AttemptFailed as failed:
            if failed.status != 401 or not self.renews:
                raise
        self.reject()
        return self._attempts.make(step, request, self._current())

    def reject(self) -> None:
        """Drop the token that was used last: the edge did not accept it."""
        self._token = None
        if self._context.shared_token and self._used:
            self._context.shared_token.reject(self._used)

    def connection_ended(self) -> None:
        """Drop the token if it was for one connection only."""
        if self._context.behaviour.token == "per-connection":
            self._token = None

    def _current(self) -> Token:
        if self._given is not None:
            return self._given
        if self._context.shared_token:
            return self._shared()
        if self._token is None or self._context.clock() >= self._token.expires_s:
            self._token = self._fetch()
        return self._token

    def _shared(self) -> Token:
        assert self._context.shared_token is not None
        failures = self._attempts.failures("token")
        try:
            return self._context.shared_token.get(self._fetch)
        except AttemptFailed as failed:
            if self._attempts.failures("token") == failures:  # another softphone's attempt; it is our failed try too
                self._attempts.due_s = self._context.clock()
                self._attempts.note_failure("token", failed)
            raise

    def _fetch(self) -> Token:
        return self._attempts.make("token", self._client.fetch_token, self._context.clock())
