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
from http import HTTPStatus
from types import MappingProxyType

from aiohttp import web

from locust_softphone.limits.refusal import whole_seconds
from locust_softphone.limits.step_limits import Answer

__all__ = ["EDGE_ID", "Refused", "beyond_limit", "json_reply"]

EDGE_ID = "X-Edge-Id"
"""Every answer of the edge has its id here, so that a client can tell the answer of a proxy from it."""
NO_HEADERS: Mapping[str, str] = MappingProxyType({})


class Refused(Exception):
    """The request gets an error response, after ``delay_s`` seconds."""

    def __init__(
        self,
        status: int,
        message: str,
        headers: Mapping[str, str] = NO_HEADERS,
        *,
        code: str = "",
        delay_s: float = 0.0,
    ) -> None:
        super().__init__(status, message)
        self.status = status
        self.message = message
        self.headers = headers
        self.code = code or _phrase(status).lower().replace(" ", ".")
        self.delay_s = delay_s

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


def beyond_limit(answer: Answer) -> Refused:
    """The refusal of a request that is beyond a limit, with or without the time to retry."""
    about = "Rate limit exceeded the maximum." if answer.status == 429 else "The capacity is used up."
    if answer.told_s is None:
        return Refused(answer.status, about, answer.headers, delay_s=answer.delay_s)
    code = "too.many.requests.retry.after" if answer.status == 429 else ""
    about = f"{about} Retry the request in [{whole_seconds(answer.wait_s)}] seconds"
    return Refused(answer.status, about, answer.headers, code=code, delay_s=answer.delay_s)


def _phrase(status: int) -> str:
    """The reason phrase of a status; a policy may use one that no standard names."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return f"status {status}"
