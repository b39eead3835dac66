"""HTTP/1.1 requests over one stream: the part of RFC 9112 that a softphone's few small requests need.

A library would work as well, but would be half of the CPU cost of a call. What is not supported is refused: a head
over 64 KB or a body over 1 MB ends the attempt, and redirects are never followed, because a Bearer token must not
travel to another origin.
"""

from __future__ import annotations

import re
import time
from functools import lru_cache
from typing import NamedTuple

from locust_softphone.errors import AttemptFailed
from locust_softphone.limits.advice import LimitAdvice
from locust_softphone.metrics.outcome import Outcome, outcome_of_status
from locust_softphone.signaling.cookies import Cookies
from locust_softphone.signaling.stream import Stream, remaining_s
from locust_softphone.signaling.target import Target

__all__ = ["Head", "HttpConnection", "Response", "read_body", "read_head"]

MAX_HEAD = 64 * 1024
MAX_BODY = 1024 * 1024
_END_OF_HEAD = re.compile(rb"\n\r?\n")  # LF alone may end a line, RFC 9112 2.2
_END_OF_LINE = re.compile(rb"\r\n")
_FOLD = re.compile(r"\n[ \t]+")  # obs-fold, RFC 9112 5.2
_STATUS_LINE = re.compile(r"(HTTP/1\.\d) ([1-9]\d\d)(?: .*)?", re.ASCII)  # RFC 9112 4
_LENGTH = re.compile(r"(\d{1,9})(?: *, *\1)*", re.ASCII)  # several equal ones are one, RFC 9112 6.3
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,16})[ \t]*(?:;.*)?\r\n")  # RFC 9112 7.1


class Head(NamedTuple):
    """A status line and headers. Names are in lower case.

    Repeated headers are joined by commas (RFC 9110 5.3), and ``set-cookie`` by line feeds (RFC 6265 3).
    """

    status: int
    headers: dict[str, str]
    advice: LimitAdvice
    version: str

    @property
    def keeps_connection(self) -> bool:
        """Whether another request may follow on the connection (RFC 9112 9.3)."""
        persistent, connection = self.version != "HTTP/1.0", self.headers.get("connection")
        if connection is None:
            return persistent
        options = [option.strip() for option in connection.lower().split(",")]
        return "close" not in options and (persistent or "keep-alive" in options)

    def refusal(self) -> AttemptFailed:
        """The failure that this response stands for."""
        foreign = "x-edge-id" not in self.headers
        return AttemptFailed(outcome_of_status(self.status), status=self.status, advice=self.advice, foreign=foreign)


class Response(NamedTuple):
    """A response below 300, read to its end."""

    status: int
    body: bytes
    advice: LimitAdvice


def read_head(stream: Stream) -> Head:
    """Read a status line and headers (RFC 9112 4, 5). Interim responses other than 101 are skipped.

    Old and layered servers fold lines, end them with LF alone, or put a blank before the colon: that is understood. A
    line without a colon does not hide a refusal, but a success with one is malformed.

    Raises:
        AttemptFailed: ``LOST`` when nothing came, ``MALFORMED`` for something other than HTTP or a head over 64 KB.
    """
    while True:
        text = stream.read_until(_END_OF_HEAD, MAX_HEAD).decode("latin-1").replace("\r\n", "\n")
        if "\n " in text or "\n\t" in text:
            text = _FOLD.sub(" ", text)
        lines = text.split("\n")
        version, status = _read_status_line(lines[0])
        if status == 101 or status >= 200:
            break
    if status == 101 and version == "HTTP/1.0":  # which has no upgrade, RFC 9110 7.8, 15.2
        raise AttemptFailed(Outcome.MALFORMED, status=status)
    headers: dict[str, str] = {}
    for line in lines[1:-2]:
        name, colon, value = line.partition(":")
        if not colon:
            if status < 300:
                raise AttemptFailed(Outcome.MALFORMED, status=status)
            continue
        name, value = name.strip().lower(), value.strip()
        if name in headers:
            value = headers[name] + ("\n" if name == "set-cookie" else ", ") + value
        headers[name] = value
    return Head(status, headers, LimitAdvice.from_headers(headers, time.time()), version)


@lru_cache(maxsize=64)
def _read_status_line(line: str) -> tuple[str, int]:
    """The version and the status."""
    found = _STATUS_LINE.fullmatch(line)
    if found is None:
        raise AttemptFailed(Outcome.MALFORMED)
    return found[1], int(found[2])


def read_body(stream: Stream, head: Head) -> bytes:
    """Read a response's content (RFC 9112 6.3).

    Raises:
        AttemptFailed: the content ended early. A refusal with a body that is cut off is still that refusal.
    """
    headers = head.headers
    try:
        if head.status in (204, 304):
            return b""
        if headers.get("transfer-encoding", "").lower() == "chunked":
            return _read_chunks(stream)
        length = headers.get("content-length")
        if length is None:
            return _read_to_end(stream)
        found = _LENGTH.fullmatch(length)
        if found is None or int(found[1]) > MAX_BODY:
            raise AttemptFailed(Outcome.MALFORMED)
        return stream.read_exactly(int(found[1]))
    except AttemptFailed as failed:
        if head.status >= 300:
            raise head.refusal() from None
        raise AttemptFailed(failed.outcome, status=head.status, advice=head.advice) from None


def _read_chunks(stream: Stream) -> bytes:
    body = bytearray()
    while True:
        found = _CHUNK.fullmatch(stream.read_until(_END_OF_LINE, 1024))
        size = int(found[1], 16) if found else MAX_BODY
        if len(body) + size >= MAX_BODY:
            raise AttemptFailed(Outcome.MALFORMED)
        body += stream.read_exactly(size)
        if stream.read_exactly(2) != b"\r\n":
            if size:
                raise AttemptFailed(Outcome.MALFORMED)
            stream.read_until(_END_OF_HEAD, MAX_HEAD)  # trailers
        if not size:
            return bytes(body)


def _read_to_end(stream: Stream) -> bytes:
    body = bytearray()
    while part := stream.recv(MAX_BODY):
        body += part
        if len(body) > MAX_BODY:
            raise AttemptFailed(Outcome.MALFORMED)
    return bytes(body)


class HttpConnection:
    """Requests to one target over one kept-alive connection, opened with the first.

    A server may close an idle connection at any time (RFC 9112 9.5). As browsers do, the next request then opens
    another connection, even if it was sent already and nothing has come back: once.

    Args:
        target: the edge.
        choice: picks the address that is tried first, modulo their number.
        cookies: of the softphone; its own by default.
    """

    __slots__ = ("_choice", "_cookies", "_reopened", "_stream", "_target")

    def __init__(self, target: Target, choice: int = 0, cookies: Cookies | None = None) -> None:
        self._target = target
        self._choice = choice
        self._cookies = Cookies() if cookies is None else cookies
        self._stream: Stream | None = None
        self._reopened = 0

    def post(self, path: str, headers: str, body: bytes, timeout_s: float) -> Response:
        """Send a POST and read its response. Arguments and errors are those of ``request``."""
        return self.request("POST", path, f"{headers}Content-Length: {len(body)}\r\n", body, timeout_s)

    def request(self, method: str, path: str, headers: str, body: bytes, timeout_s: float) -> Response:
        """Send a request and read its response.

        Args:
            method: such as ``GET``.
            path: the request target, such as ``/oauth/token``.
            headers: further header lines, each ended by CRLF.
            body: the content.
            timeout_s: bounds the whole exchange, including the connection set-up.

        Raises:
            AttemptFailed: the status is 300 or above, or the connection failed.
        """
        deadline_s = time.perf_counter() + timeout_s
        cookies = self._cookies.header(self._target, path)
        head = f"{method} {path} HTTP/1.1\r\nHost: {self._target.authority}\r\n{headers}{cookies}\r\n"
        request = head.encode("latin-1") + body
        keep = False
        try:
            stream, answered = self._ask_on_kept(request, deadline_s) or self._ask_on_new(request, deadline_s)
            self._cookies.keep(self._target, path, answered.headers)
            content = read_body(stream, answered)
            keep = answered.keeps_connection and (
                "content-length" in answered.headers or "transfer-encoding" in answered.headers
            )
        finally:
            if not keep:
                self.close()
        if answered.status >= 300:
            raise answered.refusal()
        return Response(answered.status, content, answered.advice)

    def close(self) -> None:
        """Close the connection; the next request opens another."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def close_idle(self) -> int:
        """Close the connection; returns how often it was reopened since the last time."""
        self.close()
        reopened, self._reopened = self._reopened, 0
        return reopened

    def _ask_on_new(self, request: bytes, deadline_s: float) -> tuple[Stream, Head]:
        """Open a connection, send a request and read the head of its response."""
        self.close()
        stream = self._stream = self._target.connect(remaining_s(deadline_s), self._choice)
        stream.send(request)
        return stream, read_head(stream)

    def _ask_on_kept(self, request: bytes, deadline_s: float) -> tuple[Stream, Head] | None:
        """The same on the kept connection; None if there is none, or if the server has closed it.

        Data that came before the request, such as a late 408, is not its answer. Nor is a 408 that came together with
        it (RFC 9110 15.5.9).
        """
        stream = self._stream
        if stream is None:
            return None
        stream.deadline_s = deadline_s
        if stream.is_idle:
            try:
                stream.send(request)
                stream.ahead()
            except AttemptFailed as failed:
                if failed.outcome not in (Outcome.LOST, Outcome.RESET):
                    raise
            else:
                answered = read_head(stream)
                if answered.status != 408:
                    return stream, answered
        self._reopened += 1
        return None
