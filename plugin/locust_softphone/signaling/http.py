"""HTTP/1.1 requests over one stream: the part of RFC 9112 that a softphone's few small requests need.

A library would do; it would also be half of what a call costs. What this does not do, it refuses: heads over 64 KB and
bodies over 1 MB end the attempt, redirects are never followed (a Bearer must not travel to another origin).
"""

from __future__ import annotations

import time
from typing import NamedTuple

from locust_softphone.errors import AttemptFailed
from locust_softphone.metrics.outcome import Outcome, outcome_of_status
from locust_softphone.signaling.stream import Stream
from locust_softphone.signaling.target import Target

__all__ = ["HttpConnection", "Response", "read_head"]

MAX_HEAD = 64 * 1024
MAX_BODY = 1024 * 1024


class Response(NamedTuple):
    """A response, read to its end. Header names are in lower case; repeated ones are joined (RFC 9110 5.3)."""

    status: int
    headers: dict[str, str]
    body: bytes


def read_head(stream: Stream) -> tuple[int, dict[str, str]]:
    """Read a status line and headers (RFC 9112 4, 5); interim responses other than 101 are passed over.

    Raises:
        AttemptFailed: ``LOST`` before anything came, ``MALFORMED`` for what is no HTTP or too large.
    """
    while True:
        lines = stream.read_until(b"\r\n\r\n", MAX_HEAD).decode("latin-1").split("\r\n")
        version, _, rest = lines[0].partition(" ")
        if not version.startswith("HTTP/1.") or not (rest[:3].isascii() and rest[:3].isdigit()):
            raise AttemptFailed(Outcome.MALFORMED)
        status = int(rest[:3])
        if status == 101 or status >= 200:
            break
    headers: dict[str, str] = {}
    for line in lines[1:-2]:
        name, colon, value = line.partition(":")
        if not colon:
            raise AttemptFailed(Outcome.MALFORMED, status=status)
        name, value = name.lower(), value.strip()
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return status, headers


def read_body(stream: Stream, status: int, headers: dict[str, str]) -> bytes:
    """Read a response's content (RFC 9112 6.3).

    Raises:
        AttemptFailed: the content ended early; the status and headers that came before are kept, so that a refusal
            whose body is cut is still the refusal that it was.
    """
    try:
        if status in (204, 304):
            return b""
        if headers.get("transfer-encoding", "").lower() == "chunked":
            return _read_chunks(stream)
        length = headers.get("content-length")
        if length is None:
            return _read_to_end(stream)
        if not (length.isascii() and length.isdigit()) or len(length) > 9 or int(length) > MAX_BODY:
            raise AttemptFailed(Outcome.MALFORMED)
        return stream.read_exactly(int(length))
    except AttemptFailed as failed:
        if status >= 300:
            raise AttemptFailed(outcome_of_status(status), status=status, headers=headers) from None
        raise AttemptFailed(failed.outcome, status=status, headers=headers) from None


def _read_chunks(stream: Stream) -> bytes:
    body = bytearray()
    while True:
        line = stream.read_until(b"\r\n", 1024)
        try:
            size = int(line.split(b";")[0], 16)
        except ValueError:
            raise AttemptFailed(Outcome.MALFORMED) from None
        if size < 0 or len(body) + size > MAX_BODY:
            raise AttemptFailed(Outcome.MALFORMED)
        if size == 0:
            while stream.read_until(b"\r\n", MAX_HEAD) != b"\r\n":
                pass  # trailers
            return bytes(body)
        body += stream.read_exactly(size + 2)[:-2]


def _read_to_end(stream: Stream) -> bytes:
    body = bytearray()
    while part := stream.recv(MAX_BODY):
        body += part
        if len(body) > MAX_BODY:
            raise AttemptFailed(Outcome.MALFORMED)
    return bytes(body)


class HttpConnection:
    """Requests to one target over one kept-alive connection, opened with the first.

    Args:
        target: the edge.
        choice: which of the target's addresses, counted round.
    """

    __slots__ = ("_choice", "_stream", "_target")

    def __init__(self, target: Target, choice: int = 0) -> None:
        self._target = target
        self._choice = choice
        self._stream: Stream | None = None

    def post(self, path: str, headers: str, body: bytes, timeout_s: float) -> Response:
        """Send a POST and read its response; otherwise as ``request``."""
        return self.request("POST", path, f"{headers}Content-Length: {len(body)}\r\n", body, timeout_s)

    def request(self, method: str, path: str, headers: str, body: bytes, timeout_s: float) -> Response:
        """Send a request and read its response.

        Args:
            method: such as ``GET``.
            path: the request target, such as ``/oauth/token``.
            headers: further header lines, each ended by CRLF.
            body: the content.
            timeout_s: for everything together, connecting included.

        Raises:
            AttemptFailed: any status of 300 and above, and every way a connection can fail.
        """
        stream = self._stream
        if stream is not None and stream.has_more:  # nobody asked for it, and it would pass for the answer to this
            self.close()
            stream = None
        if stream is None:
            stream = self._stream = self._target.connect(timeout_s, self._choice)
        else:
            stream.deadline_s = time.perf_counter() + timeout_s
        keep = False
        try:
            head = f"{method} {path} HTTP/1.1\r\nHost: {self._target.authority}\r\n{headers}\r\n"
            stream.send(head.encode("latin-1") + body)
            status, answered = read_head(stream)
            content = read_body(stream, status, answered)
            keep = answered.get("connection", "").lower() != "close" and (
                "content-length" in answered or "transfer-encoding" in answered
            )
        finally:
            if not keep:
                self.close()
        if status >= 300:
            raise AttemptFailed(outcome_of_status(status), status=status, headers=answered)
        return Response(status, answered, content)

    def close(self) -> None:
        """Close the connection; the next request opens another."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None
