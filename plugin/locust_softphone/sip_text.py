"""SIP messages as text (RFC 3261 7): read with bounds, split into values, written again.

    INVITE sip:bob@edge.example SIP/2.0       or  SIP/2.0 200 OK
    Via: SIP/2.0/WS a.invalid;branch=z9hG4bKx
    f: "Alice" <sip:alice@edge.example>       compact names, folded lines and names in any case are understood
     ;tag=1
                                              an empty line, then the body
    v=0 …

The simulated edge and the softphones share these readers. They do not share what a message means to them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple

__all__ = [
    "MAX_SIP_CHARACTERS",
    "Address",
    "SipError",
    "SipMessage",
    "address",
    "auth_parameters",
    "format_sip",
    "is_sip_user",
    "parse_sip",
    "split_values",
    "user_of",
]

MAX_SIP_CHARACTERS = 64 * 1024
MAX_HEADERS = 128
MAX_VALUES = 64
MAX_LINE = 8 * 1024

_COMPACT = {  # RFC 3261 7.3.3 and 20; RFC 3515, RFC 3892, RFC 4028, RFC 6665
    "b": "referred-by", "c": "content-type", "e": "content-encoding", "f": "from", "i": "call-id", "k": "supported",
    "l": "content-length", "m": "contact", "o": "event", "r": "refer-to", "s": "subject", "t": "to",
    "u": "allow-events", "v": "via", "x": "session-expires",
}  # fmt: skip
_SPELLINGS = {"call-id": "Call-ID", "cseq": "CSeq", "www-authenticate": "WWW-Authenticate"}
_TOKEN = re.compile(r"[A-Za-z0-9.!%*_+`'~-]{1,64}", re.ASCII)  # RFC 3261 25.1
_STATUS_LINE = re.compile(r"SIP/2\.0 ([1-6][0-9]{2}) ([^\r\n]*)", re.ASCII)
_REQUEST_LINE = re.compile(r"([A-Za-z0-9.!%*_+`'~-]{1,32}) ([^\s]{1,1024}) SIP/2\.0", re.ASCII)
_FOLD = re.compile(r"\r\n[ \t]+")
_FORBIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|\r(?!\n)|(?<!\r)\n")
_PIECES = re.compile(r'"(?:[^"\\]|\\.)*\\?(?:"|$)|<[^>]*(?:>|$)|,|[^",<]+')
_PARAMETER = re.compile(r';\s*([^\s;=,"]{1,64})(?:\s*=\s*("(?:[^"\\]|\\.){0,1024}"|[^\s;,"]{0,1024}))?')
_AUTH_PARAMETER = re.compile(r'([A-Za-z0-9_-]{1,64})\s*=\s*("(?:[^"\\]|\\.){0,1024}"|[^\s,"]{1,1024})', re.ASCII)
_CONTENT_LENGTH = re.compile(r"[0-9]{1,9}", re.ASCII)
_USER = re.compile(r"sips?:([^@\s;?:]{1,128})(?::[^@\s]*)?@", re.ASCII | re.IGNORECASE)
_SIP_USER = re.compile(r"[A-Za-z0-9_.!~*'()&=+$,/-]{1,128}", re.ASCII)
_NO_PARAMETERS: Mapping[str, str] = MappingProxyType({})


class SipError(ValueError):
    """The text is not a SIP message, or it is one beyond the bounds.

    Args:
        reason: what is wrong; it contains nothing of the text.
    """


class SipMessage:
    """A request or a response.

    Attributes:
        method: of a request, in the case that it has; empty for a response.
        uri: of a request.
        status: of a response; 0 for a request.
        headers: the lines of each header in order, by its full name in lower case.
        body: the text after the empty line.
    """

    __slots__ = ("body", "headers", "method", "status", "uri")

    def __init__(self, method: str, uri: str, status: int, headers: dict[str, list[str]], body: str) -> None:
        self.method = method
        self.uri = uri
        self.status = status
        self.headers = headers
        self.body = body

    def get(self, name: str) -> str:
        """The first line of a header, or an empty text."""
        lines = self.headers.get(name)
        return lines[0] if lines else ""

    def values(self, name: str) -> list[str]:
        """All values of a header that is a list: its lines, split at commas."""
        return [value for line in self.headers.get(name, ()) for value in split_values(line)]

    @property
    def call_id(self) -> str:
        return self.get("call-id")

    @property
    def cseq(self) -> tuple[int, str]:
        """The number and the method of CSeq; -1 where it is missing or malformed."""
        number, _, method = self.get("cseq").partition(" ")
        return (int(number), method.strip()) if _CONTENT_LENGTH.fullmatch(number) else (-1, "")


class Address(NamedTuple):
    """A ``name-addr`` or ``addr-spec`` with the parameters after it (RFC 3261 20.10).

    Args:
        uri: without the angle brackets.
        parameters: of the header, not of the URI; names in lower case, quotes removed.
    """

    uri: str
    parameters: Mapping[str, str] = _NO_PARAMETERS

    @property
    def tag(self) -> str:
        return self.parameters.get("tag", "")


def parse_sip(text: str) -> SipMessage:
    """Read one message, as it comes in one WebSocket message (RFC 7118 5).

    Raises:
        SipError: it is not a SIP message, or it is beyond the bounds; nothing else is raised.
    """
    if len(text) > MAX_SIP_CHARACTERS:
        raise SipError("the message is too long")
    head, end, body = text.lstrip("\r\n").partition("\r\n\r\n")
    if not end:
        raise SipError("no empty line ends the headers")
    if _FORBIDDEN.search(head):
        raise SipError("a control character in the headers")
    if "\r\n " in head or "\r\n\t" in head:
        head = _FOLD.sub(" ", head)
    start, *lines = head.split("\r\n")
    if len(lines) > MAX_HEADERS:
        raise SipError("too many headers")
    headers: dict[str, list[str]] = {}
    for line in lines:
        written, colon, value = line.partition(":")
        if not colon:
            raise SipError("a header without a colon")
        if len(line) > MAX_LINE:
            raise SipError("a header is too long")
        headers.setdefault(_full_name(written), []).append(value.strip(" \t"))
    return _message(start, headers, _measured(body, headers))


def _message(start: str, headers: dict[str, list[str]], body: str) -> SipMessage:
    if found := _STATUS_LINE.fullmatch(start):
        return SipMessage("", "", int(found[1]), headers, body)
    if found := _REQUEST_LINE.fullmatch(start):
        return SipMessage(found[1], found[2], 0, headers, body)
    raise SipError("neither a request nor a response of SIP/2.0")


@lru_cache(maxsize=512)
def _full_name(written: str) -> str:
    name = written.rstrip(" \t")  # RFC 3261 7.3.1 allows blanks before the colon
    if not _TOKEN.fullmatch(name):
        raise SipError("the name of a header is not a token")
    return _COMPACT.get(name.lower(), name.lower())


def _measured(body: str, headers: Mapping[str, list[str]]) -> str:
    """The body, as long as Content-Length says (RFC 3261 18.3); RFC 7118 5.4 lets messages leave it out."""
    lengths = headers.get("content-length")
    if not lengths:
        return body
    if not _CONTENT_LENGTH.fullmatch(lengths[0]):
        raise SipError("Content-Length is not a number")
    length = int(lengths[0])
    if body.isascii():
        size = len(body)
    else:
        encoded = body.encode("utf-8", "surrogatepass")
        size = len(encoded)
        if size > length:
            return encoded[:length].decode("utf-8", "replace")
    if size < length:
        raise SipError("the body is shorter than its Content-Length")
    return body[:length] if size > length else body


def format_sip(start: str, headers: Iterable[tuple[str, str]], body: str = "") -> str:
    """A message with these headers and its Content-Length; names may be in lower case."""
    lines = "".join(f"{_spelled(name)}: {value}\r\n" for name, value in headers)
    return f"{start}\r\n{lines}Content-Length: {len(body.encode())}\r\n\r\n{body}"


@lru_cache(maxsize=512)
def _spelled(name: str) -> str:
    return _SPELLINGS.get(name) or (name.title() if name.islower() else name)


def split_values(line: str) -> Iterator[str]:
    """The values in one line of a header that is a list: commas within quotes or angle brackets do not separate.

    Raises:
        SipError: there are too many.
    """
    if "," not in line:
        yield line
        return
    value, found = "", 0
    for piece in _PIECES.findall(line):
        if piece != ",":
            value += piece
        elif value.strip():
            found += 1
            if found > MAX_VALUES:
                raise SipError("too many values in one header")
            yield value.strip()
            value = ""
    if value.strip():
        yield value.strip()


def address(value: str) -> Address:
    """Read one value of From, To, Contact, Route or Record-Route.

    Raises:
        SipError: it has no URI.
    """
    before, bracket, rest = value.partition("<") if not value.startswith('"') else _after_name(value)
    if bracket:
        uri, end, after = rest.partition(">")
        if not end:
            raise SipError("an address without a closing bracket")
    else:
        uri, _, after = before.partition(";")
        after = f";{after}" if after else ""
    uri = uri.strip()
    if not uri or any(each.isspace() for each in uri):
        raise SipError("an address without a URI")
    return Address(uri, parameters(after) if after else _NO_PARAMETERS)


def _after_name(value: str) -> tuple[str, str, str]:
    """A value that begins with a quoted name, split at the bracket after it."""
    quoted = re.match(r'"(?:[^"\\]|\\.)*"\s*<', value)
    if quoted is None:
        raise SipError("a name without a closing quote, or without an address")
    return "", "<", value[quoted.end() :]


def parameters(text: str) -> dict[str, str]:
    """The parameters in ``;name=value;name``: names in lower case, without quotes."""
    return {name.lower(): _unquoted(value) for name, value in _PARAMETER.findall(text)}


def auth_parameters(value: str) -> tuple[str, dict[str, str]]:
    """The scheme of a challenge or of credentials, in lower case, and its parameters (RFC 3261 20.7, 20.44)."""
    scheme, _, rest = value.partition(" ")
    return scheme.lower(), {name.lower(): _unquoted(text) for name, text in _AUTH_PARAMETER.findall(rest)}


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1]) if text[:1] == '"' else text


def user_of(uri: str) -> str:
    """The user part of a SIP URI; empty where it has none."""
    found = _USER.match(uri)
    return found[1] if found else ""


def is_sip_user(text: str) -> bool:
    """Whether ``text`` can be the user part of a SIP URI without escapes (RFC 3261 25.1)."""
    return _SIP_USER.fullmatch(text) is not None
