"""The edge's HTTP responses. Every error has the body of Genesys Cloud's 429:

    {"message": "Rate limit exceeded the maximum. Retry the request in [42] seconds",
     "code": "too.many.requests.retry.after", "status": 429, "contextId": "…", "details": [], "errors": []}

Source: "Normalized Platform API 429 responses", Genesys Cloud developer forum 12028. It also documents the header
ININ-Correlation-Id; that its value is the contextId is illustrative.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from email.utils import formatdate
from http import HTTPStatus
from math import ceil
from types import MappingProxyType

from aiohttp import web

from locust_softphone.edge.policy import Form

__all__ = ["EDGE_ID", "Refused", "json_reply", "retry_after", "too_many_requests", "whole_seconds"]

EDGE_ID = "X-Edge-Id"
"""Every answer of the edge has its id here, so that a client can tell the answer of a proxy from it."""
NO_HEADERS: Mapping[str, str] = MappingProxyType({})


class Refused(Exception):
    """The request gets an error response."""

    def __init__(self, status: int, message: str, headers: Mapping[str, str] = NO_HEADERS, *, code: str = "") -> None:
        super().__init__(status, message)
        self.status = status
        self.message = message
        self.headers = headers
        self.code = code or HTTPStatus(status).phrase.lower().replace(" ", ".")

    def reply(self) -> web.Response:
        """The error response."""
        context_id = str(uuid.uuid4())
        body = {
            "message": self.message,
            "code": self.code,
            "status": self.status,
            "contextId": context_id,
            "details": [],
            "errors": [],
        }
        return json_reply(self.status, body, {**self.headers, "ININ-Correlation-Id": context_id})


def json_reply(status: int, body: Mapping[str, object], headers: Mapping[str, str] = NO_HEADERS) -> web.Response:
    """A response with a JSON body; aiohttp adds ``Date`` and ``Content-Length``."""
    return web.Response(
        status=status, body=json.dumps(body).encode(), headers=headers, content_type="application/json", charset="utf-8"
    )


def whole_seconds(seconds: float) -> int:
    """Rounded up, so that a client that obeys is never early; the last digits of a float are ignored."""
    return ceil(round(seconds, 6))


def retry_after(form: Form, wait_s: float, wall_s: float) -> tuple[str | None, float]:
    """The ``Retry-After`` header, or None, and the seconds it asks for: rounded up, so never less than ``wait_s``.

    ``wall_s`` is now, since the epoch; a client reads an HTTP-date against the ``Date`` of the same response.
    """
    if form == "none":
        return None, 0.0
    if form == "seconds":
        seconds = whole_seconds(wait_s)
        return str(seconds), float(seconds)
    date = whole_seconds(wall_s + wait_s)
    return formatdate(date, usegmt=True), date - wall_s


def too_many_requests(wait_s: float, retry_after: str | None, headers: Mapping[str, str]) -> Refused:
    """A 429, with or without the time to retry."""
    if retry_after is None:
        return Refused(429, "Rate limit exceeded the maximum.", headers)
    return Refused(
        429,
        f"Rate limit exceeded the maximum. Retry the request in [{whole_seconds(wait_s)}] seconds",
        {"Retry-After": retry_after, **headers},
        code="too.many.requests.retry.after",
    )
