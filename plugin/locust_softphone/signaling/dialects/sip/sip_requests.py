"""A request with its Via, and the answer to one (RFC 3261 8.1.1, 8.2.6; RFC 7118 5).

A browser knows neither its address nor its port, so ``Via`` and ``Contact`` have a random name under ``.invalid``
(RFC 7118 5.5, appendix B.1). What is sent to it comes back on the same WebSocket.
"""

from __future__ import annotations

from collections.abc import Iterable
from random import Random

from locust_softphone.sip_text import SipMessage, format_sip

__all__ = ["ALLOW", "SUPPORTED", "Identity", "answer_to", "is_answer_to", "token"]

ALLOW = "INVITE, ACK, CANCEL, BYE, OPTIONS"
SUPPORTED = "outbound"
_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"
_MAGIC = "z9hG4bK"  # RFC 3261 8.1.1.7
_BITS_OF_12 = 62


def token(random: Random) -> str:
    """A random text of 12 letters and digits: 62 bits."""
    bits = random.getrandbits(_BITS_OF_12)
    letters = []
    for _ in range(12):
        bits, rest = divmod(bits, 36)
        letters.append(_LETTERS[rest])
    return "".join(letters)


class Identity:
    """What all requests of one softphone have in common.

    Args:
        random: makes tags, branches and ids.
        uri: of the softphone's user.
        transport: ``WS`` or ``WSS``, as Via names it (RFC 7118 5.2).
        agent: the User-Agent.
    """

    __slots__ = ("_agent", "_host", "_random", "contact_uri", "uri")

    def __init__(self, random: Random, uri: str, transport: str, agent: str) -> None:
        self._random = random
        self._agent = agent
        name = token(random)
        self._host = f"SIP/2.0/{transport} {name}.invalid;branch={_MAGIC}"
        self.uri = uri
        self.contact_uri = f"sip:{token(random)}@{name}.invalid;transport=ws"

    def new_token(self) -> str:
        return token(self._random)

    def request(
        self,
        method: str,
        uri: str,
        headers: Iterable[tuple[str, str]],
        *,
        branch: str,
        routes: Iterable[str] = (),
        body: str = "",
    ) -> str:
        """A request, with Via, Max-Forwards and User-Agent added.

        Args:
            method: the method.
            uri: the Request-URI.
            headers: From, To, Call-ID, CSeq and what else it needs.
            branch: the transaction's id.
            routes: the values of Route, the nearest first.
            body: an SDP, or nothing.
        """
        lines = [("Via", self._host + branch), ("Max-Forwards", "70")]
        lines += [("Route", route) for route in routes]
        lines += headers
        lines.append(("User-Agent", self._agent))
        if body:
            lines.append(("Content-Type", "application/sdp"))
        return format_sip(f"{method} {uri} SIP/2.0", lines, body)


def is_answer_to(response: SipMessage, branch: str, method: str) -> bool:
    """Whether a response belongs to the transaction with this branch and method (RFC 3261 17.1.3)."""
    return f"branch={_MAGIC}{branch}" in response.get("via") and response.cseq[1] == method


def answer_to(
    request: SipMessage, status: int, reason: str, *, tag: str, headers: Iterable[tuple[str, str]] = (), body: str = ""
) -> str:
    """The response to a request (RFC 3261 8.2.6.2).

    Args:
        request: the request.
        status: the status code.
        reason: the reason phrase.
        tag: added to To, unless the request has one there already.
        headers: further headers.
        body: an SDP, or nothing.
    """
    to = request.get("to")
    copied = [("Via", each) for each in request.headers.get("via", ())]
    copied += [("From", request.get("from")), ("To", to if ";tag=" in to else f"{to};tag={tag}")]
    copied += [("Call-ID", request.call_id), ("CSeq", request.get("cseq")), *headers]
    if body:
        copied.append(("Content-Type", "application/sdp"))
    return format_sip(f"SIP/2.0 {status} {reason}", copied, body)
