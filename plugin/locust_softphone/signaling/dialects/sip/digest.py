"""The client's side of digest authentication (RFC 3261 22, RFC 7616, RFC 8760).

    401 WWW-Authenticate   ──► Authorization          407 Proxy-Authenticate ──► Proxy-Authorization

    HA1 = H(user:realm:password)      HA2 = H(method:uri)
    response = H(HA1:nonce:nc:cnonce:auth:HA2), or H(HA1:nonce:HA2) without qop

Of several challenges, the topmost with a known algorithm is answered (RFC 8760 2.4). A softphone has one user, so the
challenges of further realms are left out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache

from locust_softphone.sip_text import auth_parameters

__all__ = ["Challenge", "challenges", "credentials"]

_ALGORITHMS: dict[str, Callable[[bytes], str]] = {
    "md5": lambda data: hashlib.md5(data, usedforsecurity=False).hexdigest(),
    "sha-256": lambda data: hashlib.sha256(data).hexdigest(),
}
_MOST_CHALLENGES = 8


@dataclass(frozen=True)
class Challenge:
    """One challenge that can be answered.

    Args:
        realm: whose password is asked for.
        nonce: the server's number, used once or for a while.
        algorithm: as it is written in the challenge; empty for MD5.
        qop: whether ``auth`` is offered; without, the answer has the form of RFC 2069.
        opaque: sent back as it is; None if there is none.
        stale: whether only the nonce was too old, and the password may be right.
    """

    realm: str
    nonce: str
    algorithm: str
    qop: bool
    opaque: str | None
    stale: bool

    @property
    def is_session(self) -> bool:
        """Whether the algorithm is one with ``-sess``."""
        return self.algorithm.lower().endswith("-sess")


def challenges(values: Iterable[str]) -> list[Challenge]:
    """The challenges that can be answered, the preferred one first."""
    found: list[Challenge] = []
    for value in list(values)[:_MOST_CHALLENGES]:
        scheme, given = auth_parameters(value)
        algorithm = given.get("algorithm", "")
        offered = {each.strip().lower() for each in given.get("qop", "").split(",") if each.strip()}
        if scheme != "digest" or not _known(algorithm) or "nonce" not in given or (offered and "auth" not in offered):
            continue
        found.append(
            Challenge(
                given.get("realm", ""),
                given["nonce"],
                algorithm,
                bool(offered),
                given.get("opaque"),
                given.get("stale", "").lower() == "true",
            )
        )
    return found


def credentials(
    challenge: Challenge, *, method: str, uri: str, user: str, password: str, count: int, cnonce: str
) -> str:
    """The value of ``Authorization`` or ``Proxy-Authorization`` for a request.

    Args:
        challenge: the challenge.
        method: of the request.
        uri: the request's URI.
        user: the user's name.
        password: the user's password.
        count: how often the nonce has been used, this time included (``nc``).
        cnonce: the client's own number.
    """
    digest = _ALGORITHMS[challenge.algorithm.lower().removesuffix("-sess") or "md5"]
    first = _secret(challenge.algorithm, user, challenge.realm, password)
    if challenge.is_session:
        first = digest(f"{first}:{challenge.nonce}:{cnonce}".encode())
    second = digest(f"{method}:{uri}".encode())
    middle = f"{challenge.nonce}:{count:08x}:{cnonce}:auth" if challenge.qop else challenge.nonce
    response = digest(f"{first}:{middle}:{second}".encode())
    parts = [
        f'Digest username="{_quoted(user)}"',
        f'realm="{_quoted(challenge.realm)}"',
        f'nonce="{_quoted(challenge.nonce)}"',
        f'uri="{uri}"',
        f'response="{response}"',
    ]
    if challenge.algorithm:
        parts.append(f"algorithm={challenge.algorithm}")
    if challenge.qop:
        parts.append(f'qop=auth, nc={count:08x}, cnonce="{cnonce}"')
    elif challenge.is_session:
        parts.append(f'cnonce="{cnonce}"')
    if challenge.opaque is not None:
        parts.append(f'opaque="{_quoted(challenge.opaque)}"')
    return ", ".join(parts)


def _known(algorithm: str) -> bool:
    return not algorithm or algorithm.lower().removesuffix("-sess") in _ALGORITHMS


@lru_cache(maxsize=4)  # of one softphone, for its calls in a row
def _secret(algorithm: str, user: str, realm: str, password: str) -> str:
    digest = _ALGORITHMS[algorithm.lower().removesuffix("-sess") or "md5"]
    return digest(f"{user}:{realm}:{password}".encode())


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
