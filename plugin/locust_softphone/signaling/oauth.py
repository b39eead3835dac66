"""The token request of an OAuth client with client credentials (RFC 6749 4.4), the same in all dialects."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass, field
from urllib.parse import quote_plus

from locust_softphone.errors import AttemptFailed
from locust_softphone.metrics.outcome import Outcome
from locust_softphone.signaling.dialect import Reply
from locust_softphone.signaling.http import HttpConnection, Response
from locust_softphone.signaling.token import Token
from locust_softphone.untrusted import json_object

__all__ = ["SIMULATED_CREDENTIALS", "Credentials", "fetch_token", "granted_token", "is_header_value"]

_LONGEST_LIFE_S = 10 * 365 * 86_400


@dataclass(frozen=True)
class Credentials:
    """An OAuth client's id and secret; the secret is never shown.

    Args:
        client_id: may contain a colon, unless it is sent as it is.
        client_secret: never shown.
        form_encoded: whether both are form-encoded, as RFC 6749 2.3.1 says, or sent as they are.
    """

    client_id: str
    client_secret: str = field(repr=False)
    form_encoded: bool = True

    @property
    def basic(self) -> str:
        """The credentials of the Basic ``Authorization`` header."""
        parts = (self.client_id, self.client_secret)
        return b64encode(":".join(map(quote_plus, parts) if self.form_encoded else parts).encode()).decode("ascii")


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
    return granted_token(
        response, granted.get("access_token"), granted.get("expires_in"), granted.get("token_type"), now_s
    )


def granted_token(
    response: Response, bearer: object, expires_in: object, token_type: object, now_s: float
) -> Reply[Token]:
    """The token of a response, from its fields; ``now_s`` as for ``fetch_token``.

    Raises:
        AttemptFailed: ``MALFORMED``, they are not a valid token.
    """
    lifetime_s = _lifetime_s(expires_in)
    if not isinstance(bearer, str) or not is_header_value(bearer) or lifetime_s is None:
        raise AttemptFailed(Outcome.MALFORMED, status=response.status)
    if str(token_type or "Bearer").lower() != "bearer":
        raise AttemptFailed(Outcome.MALFORMED, status=response.status, reason="not a Bearer token (RFC 6749 7.1)")
    return Token.granted(bearer, lifetime_s, now_s), response.advice


def is_header_value(text: str) -> bool:
    """Whether a token can be written into a header line without adding others (RFC 6750 2.1: b64token)."""
    return text.isascii() and text.isprintable() and " " not in text and bool(text)


def _lifetime_s(expires_in: object) -> float | None:
    """A token's lifetime: an hour where the response has none, and None if it is not a sensible number.

    Some servers send a number as text. A number in JSON can also be negative or have 4,000 digits.
    """
    if expires_in is None:
        return 3600.0
    if isinstance(expires_in, str) and expires_in.isascii() and expires_in.isdecimal():
        expires_in = float(expires_in)
    if isinstance(expires_in, bool) or not isinstance(expires_in, (int, float)):
        return None
    return expires_in if 0 <= expires_in <= _LONGEST_LIFE_S else None
