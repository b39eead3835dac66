"""The edge's answers other than an upgrade. Every error has the body that Genesys Cloud's 429 has:

    {"message": "Rate limit exceeded the maximum. Retry the request in [42] seconds",
     "code": "too.many.requests.retry.after", "status": 429, "contextId": "…", "details": [], "errors": []}

Source: "Normalized Platform API 429 responses", Genesys Cloud developer forum 12028, which has the header
ININ-Correlation-Id too; that it repeats the contextId is illustrative.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from email.utils import formatdate
from http import HTTPStatus
from types import MappingProxyType

from aiohttp import web

from locust_softphone.edge.policy import Form
from locust_softphone.edge.step_limit import whole_seconds

__all__ = ["Refused", "json_reply", "retry_after", "too_many_requests"]

NO_HEADERS: Mapping[str, str] = MappingProxyType({})


class Refused(Exception):
    """The verdict that a request gets an error for an answer."""

    def __init__(self, status: int, message: str, headers: Mapping[str, str] = NO_HEADERS, *, code: str = "") -> None:
        super().__init__(status, message)
        self.status = status
        self.message = message
        self.headers = headers
        self.code = code or HTTPStatus(status).phrase.lower().replace(" ", ".")

    def reply(self) -> web.Response:
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


def retry_after(form: Form, wait_s: float, wall_s: float) -> tuple[str, float] | None:
    """The ``Retry-After`` header and the seconds that it asks for: rounded up, so never less than ``wait_s``.

    ``wall_s`` is now, since the epoch; a client reads an HTTP-date against the ``Date`` of the same response.
    """
    if form == "none":
        return None
    if form == "seconds":
        seconds = whole_seconds(wait_s)
        return str(seconds), float(seconds)
    date = whole_seconds(wall_s + wait_s)
    return formatdate(date, usegmt=True), date - wall_s


def too_many_requests(wait_s: float, retry_after: str | None, headers: Mapping[str, str]) -> Refused:
    """The 429 of a limit, with or without a word about when to come back."""
    if retry_after is None:
        return Refused(429, "Rate limit exceeded the maximum.", headers)
    return Refused(
        429,
        f"Rate limit exceeded the maximum. Retry the request in [{whole_seconds(wait_s)}] seconds",
        {"Retry-After": retry_after, **headers},
        code="too.many.requests.retry.after",
    )
