"""Reads a request: who asks, the body, and whether it is a WebSocket handshake."""

from __future__ import annotations

from base64 import b64decode
from typing import NamedTuple
from urllib.parse import parse_qs

from aiohttp import HttpVersion11, web

from locust_softphone.edge.replies import Refused

__all__ = ["Caller", "caller_of", "check_upgrade", "complete_body", "grant_type", "read_body"]

MAX_BODY_BYTES = 64 * 1024


class Caller(NamedTuple):
    """One client of one organisation; ``name`` is the client's own name, else its token, else its address."""

    organisation: str
    name: str


def caller_of(request: web.BaseRequest, organisation: str) -> Caller:
    """The client that sent the request with this organisation's credentials."""
    name = request.headers.get("X-Softphone-Id")
    if name:
        return Caller(organisation, name)
    authorization = request.headers.get("Authorization", "")
    if authorization[:7].lower() == "bearer ":
        return Caller(organisation, authorization)
    return Caller(organisation, str(request.transport and request.transport.get_extra_info("peername")))


async def read_body(request: web.BaseRequest) -> bytes | None:
    """The complete body, or None if it is longer than 64 KB.

    Raises:
        Refused: 408 for a body that takes too long, 400 for one that its headers do not describe.
    """
    if not request.body_exists:
        return b""
    if (request.content_length or 0) > MAX_BODY_BYTES:
        return None
    body = bytearray()
    try:
        async for chunk in request.content.iter_any():
            body += chunk
            if len(body) > MAX_BODY_BYTES:
                return None
    except TimeoutError as e:
        raise Refused(408, "The body took too long") from e
    except web.RequestPayloadError as e:
        raise Refused(400, "The body does not match its headers") from e
    return bytes(body)


def complete_body(body: bytes | None) -> bytes:
    """The body that ``read_body`` has read.

    Raises:
        Refused: 413, it was too long.
    """
    if body is None:
        raise Refused(413, "The body is longer than 64 KB")
    return body


def grant_type(body: bytes) -> str | None:
    """The ``grant_type`` of a form (RFC 6749 4.4.2)."""
    try:
        return parse_qs(body.decode(), max_num_fields=16).get("grant_type", [None])[0]
    except ValueError:
        return None


def check_upgrade(request: web.BaseRequest, subprotocol: str | None = None) -> None:
    """Check that the request asks for a WebSocket of version 13 (RFC 6455 4.2.1), with this subprotocol.

    Raises:
        Refused: it does not.
    """
    headers = request.headers
    if headers.get("Upgrade", "").strip().lower() != "websocket":
        raise Refused(426, "This path needs a WebSocket handshake", {"Upgrade": "websocket", "Connection": "Upgrade"})
    if (
        request.version < HttpVersion11
        or "upgrade" not in _elements(request, "Connection")
        or headers.get("Sec-WebSocket-Version") != "13"
        or not _is_key(headers.get("Sec-WebSocket-Key", ""))
    ):
        raise Refused(400, "Not a WebSocket handshake of version 13", {"Sec-WebSocket-Version": "13"})
    if subprotocol and subprotocol not in _elements(request, "Sec-WebSocket-Protocol"):
        raise Refused(400, f"The subprotocol must be {subprotocol}")


def _elements(request: web.BaseRequest, name: str) -> list[str]:
    """The elements of a header that is a list (RFC 9110 5.6.1), in lower case."""
    return [element.strip() for element in ",".join(request.headers.getall(name, ())).lower().split(",")]


def _is_key(text: str) -> bool:
    try:
        return len(b64decode(text, validate=True)) == 16
    except ValueError:
        return False
