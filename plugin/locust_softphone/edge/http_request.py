"""What a request says: who is asking, and what for."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import parse_qs

from aiohttp import web

from locust_softphone.edge.replies import Refused

__all__ = ["Caller", "caller_of", "grant_type", "read_body", "within_limit"]

MAX_BODY_BYTES = 64 * 1024


class Caller(NamedTuple):
    """One client of one organisation; ``name`` is its own name, else its token, else its connection."""

    organisation: str
    name: str


def caller_of(request: web.BaseRequest, organisation: str) -> Caller:
    """Who is asking, given whose credentials the request carries."""
    name = request.headers.get("X-Softphone-Id")
    if name:
        return Caller(organisation, name)
    authorization = request.headers.get("Authorization", "")
    if authorization[:7].lower() == "bearer ":
        return Caller(organisation, authorization)
    return Caller(organisation, str(request.transport and request.transport.get_extra_info("peername")))


async def read_body(request: web.BaseRequest) -> bytes | None:
    """The body as a whole, or None if it is longer than 64 KB."""
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
        raise Refused(400, "The body is not transferred as its headers say") from e
    return bytes(body)


def within_limit(body: bytes | None) -> bytes:
    if body is None:
        raise Refused(413, "The body is longer than 64 KB")
    return body


def grant_type(body: bytes) -> str | None:
    try:
        return parse_qs(body.decode(), max_num_fields=16).get("grant_type", [None])[0]
    except ValueError:
        return None
