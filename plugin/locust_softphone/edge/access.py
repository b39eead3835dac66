"""Who may come in: client credentials in, Bearer tokens out (RFC 6749 4.4, RFC 6750 2.1).

Tokens are kept in the order of issue, and all live equally long: the expired ones are always at the front.
"""

from __future__ import annotations

import hmac
import secrets
from base64 import b64decode
from collections.abc import Iterable

from locust_softphone.edge.policy import Organisation

__all__ = ["Access"]


class Access:
    """The organisations and the tokens they hold."""

    def __init__(self, organisations: Iterable[Organisation], token_expires_s: float) -> None:
        self._secrets = {known.client_id: known.client_secret.get_secret_value().encode() for known in organisations}
        self._expires_s = token_expires_s
        self._tokens: dict[str, tuple[str, float]] = {}  # token: organisation, end of life

    def __len__(self) -> int:
        return len(self._tokens)

    def client_id(self, authorization: str) -> str | None:
        """The OAuth client that a Basic ``Authorization`` header proves, or None (RFC 7617 2)."""
        scheme, _, credentials = authorization.partition(" ")
        if scheme.lower() != "basic":
            return None
        try:
            name, _, secret = b64decode(credentials.strip(), validate=True).decode().partition(":")
        except ValueError:
            return None
        known = self._secrets.get(name)
        matches = hmac.compare_digest(secret.encode(), known or b"")
        return name if matches and known is not None else None

    def issue(self, client_id: str, now: float) -> str:
        """A fresh token for this client."""
        while self._tokens and next(iter(self._tokens.values()))[1] <= now:
            del self._tokens[next(iter(self._tokens))]
        token = secrets.token_urlsafe(24)
        self._tokens[token] = client_id, now + self._expires_s
        return token

    def organisation(self, authorization: str, now: float) -> str | None:
        """The organisation whose unexpired token a Bearer ``Authorization`` header carries, or None."""
        scheme, _, token = authorization.partition(" ")
        organisation, until = self._tokens.get(token.strip(), ("", now))
        return organisation if scheme.lower() == "bearer" and now < until else None
