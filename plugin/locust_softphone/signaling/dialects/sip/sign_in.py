"""Credentials of one softphone: its answers to challenges, and how often it has used each nonce."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from locust_softphone.signaling.dialects.sip.digest import Challenge, challenges, credentials
from locust_softphone.sip_text import SipMessage

__all__ = ["SignIn"]

_HEADERS = {401: ("www-authenticate", "Authorization"), 407: ("proxy-authenticate", "Proxy-Authorization")}


class SignIn:
    """The user of one softphone, and the challenges that it has answered last.

    Args:
        user: the name.
        password: never shown.
        new_token: makes the client's own numbers (``cnonce``).
    """

    __slots__ = ("_answered", "_new_token", "_password", "_user")

    def __init__(self, user: str, password: str, new_token: Callable[[], str]) -> None:
        self._user = user
        self._password = password
        self._new_token = new_token
        self._answered: dict[tuple[str, str], tuple[Challenge, int]] = {}  # by method and header: with its uses

    def answer(self, response: SipMessage, method: str, uri: str, *, sent: Mapping[str, str]) -> dict[str, str]:
        """The headers that answer the challenges of a 401 or 407; none if there is nothing to answer.

        Args:
            response: any final response.
            method: of the request that it answers.
            uri: of that request.
            sent: the credentials that the request had. They are answered again only if the nonce was too old.
        """
        if response.status not in _HEADERS:
            return {}
        asked, answered = _HEADERS[response.status]
        found = challenges(response.headers.get(asked, ()))
        if not found or (answered in sent and not any(each.stale for each in found)):
            return {}
        self._answered[method, answered] = found[0], 1
        return {answered: self._credentials(found[0], 1, method, uri)}

    def repeat(self, method: str, uri: str) -> list[tuple[str, str]]:
        """The credentials for another request of a method, which is not challenged again: with the last nonces."""
        headers = []
        for (asked, name), (challenge, used) in self._answered.items():
            if asked != method:
                continue
            self._answered[asked, name] = challenge, used + 1
            headers.append((name, self._credentials(challenge, used + 1, method, uri)))
        return headers

    def _credentials(self, challenge: Challenge, count: int, method: str, uri: str) -> str:
        return credentials(
            challenge,
            method=method,
            uri=uri,
            user=self._user,
            password=self._password,
            count=count,
            cnonce=self._new_token(),
        )
