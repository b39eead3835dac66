"""Checks client credentials and issues bearer tokens (RFC 6749 2.3.1, 4.4; RFC 6750 2.1).

A token that was issued for client credentials belongs to an organisation. The users of the policy have tokens of their
own from the start.

Issued tokens are kept in order of issue. All have the same lifetime, so the expired ones are at the front.

Only hashes of secrets and tokens are kept and compared. The time of a comparison then reveals neither their content nor
their length.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from base64 import b64decode
from collections.abc import Iterable
from dataclasses import dataclass
from math import inf
from urllib.parse import unquote_plus

from locust_softphone.config.genesys_cloud_policy import User
from locust_softphone.config.policy import Organisation

__all__ = ["Access", "Grant"]

UNKNOWN_CLIENT = bytes(32)  # compared with for an unknown client: no secret has this hash


@dataclass(frozen=True, eq=False)
class Grant:
    """What a token stands for.

    Args:
        organisation: whose token it is.
        user: the one user that it is valid for; None for any user of the organisation.
        id: tells tokens apart without revealing them.
        until: when it expires, on the clock of ``now``.
    """

    organisation: str
    user: str | None
    id: str
    until: float


class Access:
    """The organisations and their tokens.

    Args:
        organisations: who may ask for a token.
        token_expires_s: how long an issued token is valid, in seconds.
        users: the users with a token of their own, which does not expire.
    """

    def __init__(
        self, organisations: Iterable[Organisation], token_expires_s: float, users: Iterable[User] = ()
    ) -> None:
        self._secrets = {each.client_id: _hash(each.client_secret.get_secret_value()) for each in organisations}
        self._expires_s = token_expires_s
        self._issued: dict[bytes, Grant] = {}
        self._of_users = {
            _hash(user.access_token.get_secret_value()): Grant(user.client_id, user.name, f"user {user.name}", inf)
            for user in users
        }

    def __len__(self) -> int:
        """The number of issued tokens that are kept."""
        return len(self._issued)

    def client_id(self, authorization: str) -> str | None:
        """The OAuth client of a Basic ``Authorization`` header with the right secret, or None (RFC 7617 2).

        Both are form-encoded (RFC 6749 2.3.1, appendix B).
        """
        scheme, _, credentials = authorization.partition(" ")
        if scheme.lower() != "basic":
            return None
        try:
            parts = b64decode(credentials.strip(), validate=True).decode().partition(":")
            name, _, secret = (unquote_plus(part, errors="strict") for part in parts)
        except ValueError:
            return None
        matches = hmac.compare_digest(_hash(secret), self._secrets.get(name, UNKNOWN_CLIENT))
        return name if matches else None

    def issue(self, client_id: str, now: float) -> str:
        """A new token for this client."""
        while self._issued and next(iter(self._issued.values())).until <= now:
            del self._issued[next(iter(self._issued))]
        token = secrets.token_urlsafe(24)
        key = _hash(token)
        self._issued[key] = Grant(client_id, None, key.hex(), now + self._expires_s)
        return token

    def grant_of_header(self, authorization: str, now: float) -> Grant | None:
        """The grant of the token in a Bearer ``Authorization`` header, or None."""
        scheme, _, token = authorization.partition(" ")
        return self.grant(token.strip(), now) if scheme.lower() == "bearer" else None

    def grant(self, token: str, now: float) -> Grant | None:
        """The grant of this token, or None if the token is unknown or has expired."""
        key = _hash(token)
        grant = self._issued.get(key) or self._of_users.get(key)
        return grant if grant is not None and now < grant.until else None


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
