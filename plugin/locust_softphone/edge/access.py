"""Who may come in: client credentials in, Bearer tokens out (RFC 6749 4.4, RFC 6750 2.1).

A token that was asked for with client credentials is an organisation's; a user's own is known from the start.

Tokens are kept in the order of issue, and all live equally long: the expired ones are always at the front.

Of secrets and tokens only hashes are kept and compared, so that neither the time that a comparison takes nor the length
of what is compared tells anything of them.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from base64 import b64decode
from collections.abc import Iterable
from dataclasses import dataclass
from math import inf

from locust_softphone.edge.genesys_cloud.wire_policy import User
from locust_softphone.edge.policy import Organisation

__all__ = ["Access", "Grant"]

NOBODYS = bytes(32)  # the hash of nothing that anybody knows


@dataclass(frozen=True, eq=False)
class Grant:
    """What a token stands for.

    Args:
        organisation: whose it is.
        user: the one user that it is good for; None for any of the organisation's.
        until: when it expires, on the clock that ``now`` is of.
    """

    organisation: str
    user: str | None
    until: float


class Access:
    """The organisations and the tokens they hold.

    Args:
        organisations: who may ask for a token.
        token_expires_s: how long one is good for, in seconds.
        users: who has one from the start, which does not expire.
    """

    def __init__(
        self, organisations: Iterable[Organisation], token_expires_s: float, users: Iterable[User] = ()
    ) -> None:
        self._secrets = {known.client_id: _hash(known.client_secret.get_secret_value()) for known in organisations}
        self._expires_s = token_expires_s
        self._tokens: dict[bytes, Grant] = {}
        self._of_users = {
            _hash(user.access_token.get_secret_value()): Grant(user.client_id, user.name, inf) for user in users
        }

    def __len__(self) -> int:
        """How many tokens it has issued and not forgotten."""
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
        matches = hmac.compare_digest(_hash(secret), self._secrets.get(name, NOBODYS))
        return name if matches else None

    def issue(self, client_id: str, now: float) -> str:
        """A fresh token for this client."""
        while self._tokens and next(iter(self._tokens.values())).until <= now:
            del self._tokens[next(iter(self._tokens))]
        token = secrets.token_urlsafe(24)
        self._tokens[_hash(token)] = Grant(client_id, None, now + self._expires_s)
        return token

    def bearer(self, authorization: str, now: float) -> Grant | None:
        """What the token in a Bearer ``Authorization`` header stands for, or None."""
        scheme, _, token = authorization.partition(" ")
        return self.grant(token.strip(), now) if scheme.lower() == "bearer" else None

    def grant(self, token: str, now: float) -> Grant | None:
        """What this token stands for, or None if it is unknown or has expired."""
        key = _hash(token)
        grant = self._tokens.get(key) or self._of_users.get(key)
        return grant if grant is not None and now < grant.until else None


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
