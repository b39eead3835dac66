"""The edge's responses, and requests and responses that it passes on (RFC 3261 8.2.6, 16.6, 16.7)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from email.utils import parsedate_to_datetime
from math import ceil
from time import time

from locust_softphone.edge.replies import Refused
from locust_softphone.sip_text import SipMessage, format_sip

__all__ = ["PHRASES", "may_be_passed_on", "passed_back", "passed_on", "reply", "retry_after", "top_branch"]

MAGIC = "z9hG4bK"
MOST_HOPS = "70"  # of a request that does not say (RFC 3261 16.6, item 3)
PHRASES = {
    100: "Trying", 180: "Ringing", 200: "OK", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden",
    404: "Not Found", 405: "Method Not Allowed", 407: "Proxy Authentication Required", 408: "Request Timeout",
    420: "Bad Extension", 423: "Interval Too Brief", 480: "Temporarily Unavailable",
    481: "Call/Transaction Does Not Exist", 483: "Too Many Hops", 486: "Busy Here", 487: "Request Terminated",
    488: "Not Acceptable Here", 500: "Server Internal Error", 503: "Service Unavailable", 504: "Server Time-out",
}  # fmt: skip


def reply(
    request: SipMessage, status: int, headers: Iterable[tuple[str, str]] = (), *, tag: str = "", body: str = ""
) -> str:
    """The response to a request.

    Args:
        request: the request.
        status: the status code.
        headers: further headers.
        tag: of the edge, added to To unless the request has one there.
        body: an SDP, or nothing.
    """
    lines = [("Via", each) for each in request.headers.get("via", ())]
    to = request.get("to")
    lines += [("From", request.get("from")), ("To", f"{to};tag={tag}" if tag and ";tag=" not in to else to)]
    lines += [("Call-ID", request.call_id), ("CSeq", request.get("cseq")), *headers]
    if body:
        lines.append(("Content-Type", "application/sdp"))
    return format_sip(f"SIP/2.0 {status} {PHRASES.get(status, 'Refused')}", lines, body)


def retry_after(refused: Refused) -> list[tuple[str, str]]:
    """The Retry-After of a refusal: in SIP always a number of seconds (RFC 3261 20.33)."""
    written = refused.headers.get("Retry-After")
    if written is None:
        return []
    if not written.isdigit():  # an HTTP-date
        written = str(max(ceil(parsedate_to_datetime(written).timestamp() - time()), 0))
    return [("Retry-After", written)]


def may_be_passed_on(request: SipMessage) -> bool:
    """Whether a request has a hop left (RFC 3261 16.3, item 3); Max-Forwards is added where it is missing."""
    hops = request.get("max-forwards").strip() or MOST_HOPS
    request.headers["max-forwards"] = [hops]
    return re.fullmatch("0*[1-9][0-9]{0,2}", hops, re.ASCII) is not None


def passed_on(request: SipMessage, host: str, branch: str, *, uri: str, route: str = "") -> str:
    """The request with the edge's Via above the others, one hop less to go, and the edge's own Route taken off.

    It ``may_be_passed_on``.

    Args:
        request: the request.
        host: the edge's name.
        branch: of the edge's transaction.
        uri: the Request-URI.
        route: the value of the edge's Record-Route; empty to stay out of the route.
    """
    lines = [("Via", f"SIP/2.0/WS {host};branch={MAGIC}{branch}")]
    if route:
        lines.append(("Record-Route", route))
    for name, values in request.headers.items():
        if name == "max-forwards":
            lines.append((name, str(int(values[0]) - 1)))
        elif name == "route":
            lines += [
                (name, each) for each in request.values("route") if f"@{host}" not in each and f":{host}" not in each
            ]
        elif name not in ("content-length", "authorization", "proxy-authorization", "x-attempt-id"):
            lines += [(name, value) for value in values]
    return format_sip(f"{request.method} {uri} SIP/2.0", lines, request.body)


def passed_back(response: SipMessage, reason: str) -> str:
    """The response without the edge's Via."""
    lines: list[tuple[str, str]] = []
    for name, values in response.headers.items():
        if name == "via":
            lines += [("Via", each) for each in response.values("via")[1:]]
        elif name != "content-length":
            lines += [(name, value) for value in values]
    return format_sip(f"SIP/2.0 {response.status} {reason}", lines, response.body)


def top_branch(message: SipMessage) -> str:
    """The branch of the topmost Via without the magic cookie; empty where there is none."""
    found = re.match(rf"[^,]*;\s*branch={MAGIC}([^;,\s]+)", message.get("via"))
    return found[1] if found else ""
