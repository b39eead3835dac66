"""Challenges, and whether the credentials that answer them are right (RFC 3261 22.4, RFC 7616 3.4).

A nonce is its time and a keyed hash of it, so that no list of nonces is kept. The counts of a nonce must grow, so that
credentials that were overheard cannot be used again; they are kept for the last nonces.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from enum import Enum, auto
from typing import NamedTuple

from locust_softphone.sip_text import auth_parameters

__all__ = ["Credentials", "DigestCheck", "Verdict"]

MOST_NONCES = 100_000
HASHES = {"MD5": "md5", "SHA-256": "sha256"}


class Verdict(Enum):
    """What credentials are worth."""

    RIGHT = auto()
    STALE = auto()
    WRONG = auto()


class Credentials(NamedTuple):
    """The credentials of a request, as it says: not checked yet."""

    user: str
    nonce: str
    given: dict[str, str]

    @classmethod
    def read(cls, values: Sequence[str]) -> Credentials | None:
        """The digest credentials in the lines of a header, or None."""
        for value in values[:4]:
            scheme, given = auth_parameters(value)
            if scheme == "digest":
                return cls(given.get("username", ""), given.get("nonce", ""), given)
        return None


class DigestCheck:
    """Checks credentials for one realm.

    Args:
        realm: the realm.
        password: of every user.
        algorithms: ``MD5`` or ``SHA-256``, the preferred one first.
        expires_s: how long a nonce can be used.
    """

    def __init__(self, realm: str, password: str, algorithms: Sequence[str], expires_s: float) -> None:
        self._realm = realm
        self._password = password
        self._algorithms = tuple(algorithms)
        self._expires_s = expires_s
        self._key = secrets.token_bytes(16)
        self._counts: dict[str, int] = {}  # how far each nonce was used, the oldest first

    def challenges(self, nonce: str, *, stale: bool = False) -> list[str]:
        """The challenges with a nonce, one for each algorithm."""
        end = ", stale=true" if stale else ""
        return [
            f'Digest realm="{self._realm}", nonce="{nonce}", algorithm={algorithm}, qop="auth"{end}'
            for algorithm in self._algorithms
        ]

    def new_nonce(self, now: float) -> str:
        """A nonce that nobody else has; ``now`` is in seconds of a monotonic clock."""
        text = f"{int(now * 1000):x}.{secrets.token_hex(4)}"
        return f"{text}.{self._mark(text)}"

    def check(self, credentials: Credentials, method: str, now: float) -> Verdict:
        """Whether credentials are right for a request."""
        given = credentials.given
        text, _, mark = credentials.nonce.rpartition(".")
        if not hmac.compare_digest(self._mark(text).encode(), mark.encode("utf-8", "replace")):
            return Verdict.STALE  # of another edge, or of this one before it was started again
        if not self._is_right(given, method):
            return Verdict.WRONG
        if now - int(text.partition(".")[0], 16) / 1000 > self._expires_s:
            return Verdict.STALE
        return Verdict.RIGHT if self._counts_on(credentials.nonce, given) else Verdict.STALE

    def _is_right(self, given: dict[str, str], method: str) -> bool:
        algorithm = given.get("algorithm", "MD5").upper()
        if algorithm not in self._algorithms or given.get("realm") != self._realm:
            return False
        user, uri, nonce = given.get("username", ""), given.get("uri", ""), given["nonce"]
        proof = self._hash(algorithm, user, self._realm, self._password)
        request = self._hash(algorithm, method, uri)
        if given.get("qop", "").lower() == "auth":
            expected = self._hash(
                algorithm, proof, nonce, given.get("nc", ""), given.get("cnonce", ""), "auth", request
            )
        else:  # as in RFC 2069, for old clients (RFC 3261 22.4, item 8)
            expected = self._hash(algorithm, proof, nonce, request)
        return hmac.compare_digest(expected.encode(), given.get("response", "").lower().encode("utf-8", "replace"))

    def _counts_on(self, nonce: str, given: dict[str, str]) -> bool:
        """Whether the nonce is used for the next time, and not for one that has been."""
        try:
            count = int(given["nc"], 16) if "nc" in given else 1
        except ValueError:
            return False
        if count <= self._counts.get(nonce, 0):
            return False
        self._counts[nonce] = count
        if len(self._counts) > MOST_NONCES:
            del self._counts[next(iter(self._counts))]
        return True

    def _mark(self, text: str) -> str:
        return hmac.digest(self._key, text.encode("utf-8", "replace"), "sha256").hex()[:16]

    @staticmethod
    def _hash(algorithm: str, *parts: str) -> str:
        return hashlib.new(
            HASHES[algorithm], ":".join(parts).encode("utf-8", "replace"), usedforsecurity=False
        ).hexdigest()
