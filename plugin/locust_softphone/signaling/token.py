"""Bearer tokens, and one token that all softphones share.

A shared token is fetched once, and again shortly before it expires. When the edge rejects it, the first softphone to
report that causes one new fetch; the others that were rejected with the same token get the new one.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from copy import copy
from dataclasses import dataclass, field
from typing import Protocol

from locust_softphone.errors import AttemptFailed

__all__ = ["SharedToken", "Token", "TokenSource"]

_REFRESH_MARGIN_S = 60.0
_REFRESH_SHARE = 0.1


@dataclass(frozen=True)
class Token:
    """A Bearer token (RFC 6750).

    Args:
        bearer: the secret itself; never shown.
        expires_s: when it expires, by the caller's clock.
        refresh_s: when to fetch the next one: a tenth of its lifetime earlier, but at most a minute.
    """

    bearer: str = field(repr=False)
    expires_s: float
    refresh_s: float

    @classmethod
    def granted(cls, bearer: str, expires_in_s: float, now_s: float) -> Token:
        margin_s = min(_REFRESH_MARGIN_S, expires_in_s * _REFRESH_SHARE)
        return cls(bearer, now_s + expires_in_s, now_s + expires_in_s - margin_s)


class TokenSource(Protocol):
    """Provides the token that all softphones share."""

    def get(self, fetch: Callable[[], Token]) -> Token:
        """The token; ``fetch`` requests one from the edge."""

    def reject(self, token: Token) -> None:
        """The edge rejected ``token`` (HTTP 401)."""


class SharedToken:
    """One token for all softphones of this process.

    Args:
        clock: the clock of ``Token.expires_s``, in seconds.
        lock: lets one caller at a time fetch the token; by default the lock of threads.
    """

    def __init__(self, clock: Callable[[], float], lock: AbstractContextManager[object] | None = None) -> None:
        self._clock = clock
        self._lock = lock or threading.Lock()  # gevent's, under Locust
        self._token: Token | None = None
        self._failure: AttemptFailed | None = None
        self._failed_s = float("-inf")

    def get(self, fetch: Callable[[], Token]) -> Token:
        """The token; fetched first if there is none or it is about to expire.

        Args:
            fetch: requests one from the edge; called by one caller at a time.

        Raises:
            AttemptFailed: the fetch failed, either this caller's or the one that this caller waited for.
        """
        token = self._token
        if token and self._clock() < token.refresh_s:
            return token
        asked_s = self._clock()
        with self._lock:
            if self._token and self._clock() < self._token.refresh_s:
                return self._token
            if self._failure and self._failed_s > asked_s:
                raise copy(self._failure)
            try:
                self._token = fetch()
            except AttemptFailed as failed:
                self._failure, self._failed_s = copy(failed), self._clock()  # a copy holds no frames
                raise
            return self._token

    def reject(self, token: Token) -> None:
        """The edge rejected ``token`` (HTTP 401): drop it, unless it has been replaced already."""
        if self._token is token:
            self._token = None
