"""The token request of an OAuth client with client credentials (RFC 6749 4.4), the same in all dialects."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass, field
from typing import TypeGuard

from locust_softphone.errors import AttemptFailed
from locust_softphone.metrics.outcome import Outcome
from locust_softphone.signaling.dialect import Reply
from locust_softphone.signaling.http import HttpConnection
from locust_softphone.signaling.token import Token
from locust_softphone.untrusted import json_object

__all__ = ["SIMULATED_CREDENTIALS", "Credentials", "fetch_token", "is_header_value"]

_LONGEST_LIFE_S = 10 * 365 * 86_400


@dataclass(frozen=True)
class Credentials:
    """An OAuth client's id and secret; the secret is never shown."""

    client_id: str
    client_secret: str = field(repr=False)

    @property
    def basic(self) -> str:
        return b64encode(f"{self.client_id}:{self.client_secret}".encode()).decode("ascii")


SIMULATED_CREDENTIALS = Credentials("locust-softphone", "simulated")
"""The client that the simulated edge's default policy accepts; not a secret."""


def fetch_token(http: HttpConnection, headers: str, basic: str, timeout_s: float, now_s: float) -> Reply[Token]:
    """Ask for a token with client credentials (RFC 6749 4.4.2).

    Args:
        http: to the authorization server.
        headers: further header lines, each ended by CRLF.
        basic: ``Credentials.basic``.
        timeout_s: bounds the whole request.
        now_s: the current time by the clock that the token expires by.

    Raises:
        AttemptFailed: a refusal, a failed connection, or ``MALFORMED`` for a response without a valid token.
    """
    response = http.post(
        "/oauth/token",
        f"{headers}Authorization: Basic {basic}\r\nContent-Type: application/x-www-form-urlencoded\r\n",
        b"grant_type=client_credentials",
        timeout_s,
    )
    granted = json_object(response.body)
    bearer, expires_in = granted.get("access_token"), granted.get("expires_in", 3600)
    if not isinstance(bearer, str) or not is_header_value(bearer) or not _is_lifetime(expires_in):
        raise AttemptFailed(Outcome.MALFORMED, status=response.status)
    return Token.granted(bearer, expires_in, now_s), response.advice


def is_header_value(text: str) -> bool:
    """Whether a token can be written into a header line without adding others (RFC 6750 2.1: b64token)."""
    return text.isascii() and text.isprintable() and " " not in text and bool(text)


def _is_lifetime(seconds: object) -> TypeGuard[float]:
    """Whether ``seconds`` is a sensible lifetime; a number in JSON can also be negative or have 4,000 digits."""
    return isinstance(seconds, (int, float)) and 0 <= seconds <= _LONGEST_LIFE_S
