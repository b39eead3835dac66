"""Read a session description: which lines it has, and what each m-section says.

    session part    v= o= s= t=  a=group:BUNDLE 0          in this order, RFC 8866 5
    m-section       m=audio 9 UDP/TLS/RTP/SAVPF 111 0 8    one for each medium
                    c= a=mid a=setup a=ice-ufrag …         in any order, as libwebrtc reads them

rules.py decides whether a description is a valid offer, or a valid answer to an offer.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

__all__ = ["MediaSection", "SdpError", "SessionDescription", "parse"]

MAX_CHARACTERS = 64 * 1024
DIRECTIONS = frozenset({"sendrecv", "sendonly", "recvonly", "inactive"})
SESSION_TYPES, MEDIA_TYPES = frozenset("siuepcbtrzka"), frozenset("icbka")
SESSION_ORDER = re.compile(r"si?u?e*p*c?b*t[trz]*k?a*")  # RFC 8866 9, after v= and o=
PAYLOAD_TYPES = frozenset(map(str, range(128)))  # seven bits, RFC 3550 5.1
PORT = re.compile(r"([0-9]{1,5})(/[1-9][0-9]*)?")  # with a number of ports, RFC 8866 5.14
CONNECTION = re.compile(r"c=IN IP[46] \S+")  # RFC 8866 5.7
ENCODING = re.compile(r"[^/\s]+/[0-9]+(/\S+)?")  # name, clock rate, channels: RFC 8866 6.6
NEW_EACH_TIME = re.compile(r"\na=(ice-ufrag|ice-pwd|fingerprint|candidate|ssrc):(.*)")
STATIC_ENCODINGS = {  # audio payload types that need no a=rtpmap, RFC 3551 6
    "0": "PCMU/8000",
    "3": "GSM/8000",
    "4": "G723/8000",
    "5": "DVI4/8000",
    "6": "DVI4/16000",
    "7": "LPC/8000",
    "8": "PCMA/8000",
    "9": "G722/8000",
    "10": "L16/44100/2",
    "11": "L16/44100",
    "12": "QCELP/8000",
    "13": "CN/8000",
    "14": "MPA/90000",
    "15": "G728/8000",
    "16": "DVI4/11025",
    "17": "DVI4/22050",
    "18": "G729/8000",
}


class SdpError(ValueError):
    """Not a valid description, offer or answer. The message is one fixed sentence without values of the description."""


class MediaSection(NamedTuple):
    """One m-section; session-level ICE credentials, fingerprint and setup apply where it has none of its own.

    Args:
        port: 0 means rejected (RFC 3264 6), except in an offer with ``bundle_only``.
        formats: payload types in order of preference.
        codecs: the encoding of each payload type, from ``a=rtpmap``: ``{"111": "opus/48000/2"}``.
        bundle_only: offered with port 0 because it uses the transport of its BUNDLE group (RFC 9143 6).
    """

    kind: str
    port: int
    protocol: str
    formats: tuple[str, ...]
    codecs: Mapping[str, str]
    mid: str | None
    direction: str
    setup: str | None
    ice_ufrag: str | None
    ice_pwd: str | None
    fingerprint: str | None
    rtcp_mux: bool
    bundle_only: bool = False

    @property
    def is_rtp(self) -> bool:
        """Whether its formats are RTP payload types."""
        return "RTP/" in self.protocol

    @property
    def encodings(self) -> tuple[str, ...]:
        """The encoding of each format in a normal form, as ``pcmu/8000/1`` for PCMU/8000; empty where there is none."""
        return _normal_forms(self.formats, tuple(self.codecs.items()))


class SessionDescription(NamedTuple):
    """A parsed offer or answer. ``bundles`` holds the mids of each BUNDLE group."""

    origin: str
    media: tuple[MediaSection, ...]
    bundles: tuple[tuple[str, ...], ...]


@lru_cache(maxsize=64)
def _normal_forms(formats: tuple[str, ...], codecs: tuple[tuple[str, str], ...]) -> tuple[str, ...]:
    """The encodings in lower case and with their number of channels, which defaults to 1 (RFC 8866 6.6)."""
    known = {**STATIC_ENCODINGS, **{payload_type: encoding for payload_type, encoding in codecs if encoding}}
    found = [known.get(payload_type, "").lower() for payload_type in formats]
    return tuple([encoding + ("/1" if encoding.count("/") == 1 else "") for encoding in found])


def parse(text: str) -> SessionDescription:
    """Read a session description. Lines may end with LF alone and may have trailing blanks.

    Raises:
        SdpError: it is malformed, or longer than 64 KB.
    """
    if len(text) > MAX_CHARACTERS:
        raise SdpError("the SDP is longer than 64 KB")
    text = text.replace("\r\n", "\n").rstrip("\n")
    if " \n" in text or text.endswith(" "):
        text = "\n".join(_without_trailing_blanks(line) for line in text.split("\n"))
    session, *sections = text.split("\nm=")
    version, _, session = session.partition("\n")
    if version != "v=0":
        raise SdpError("the SDP does not begin with v=0")
    origin, _, session = session.partition("\n")
    if origin[:2] != "o=" or not all(fields := origin[2:].split(" ")) or len(fields) != 6:
        raise SdpError("the SDP has no o= line with six fields after v=0")
    _, bundles = _read_session(session)
    media = tuple([_media_section(section, session) for section in sections])
    return SessionDescription(origin[2:], media, bundles)


def _without_trailing_blanks(line: str) -> str:
    """The line, unchanged if a blank matters: as a session name (RFC 8866 5.3) and in ICE credentials (an error)."""
    return line if line.startswith(("s=", "a=ice-")) else line.rstrip(" ")


@lru_cache(maxsize=64)  # the answers of an edge usually differ only in the o= line
def _read_session(text: str) -> tuple[Mapping[str, str], tuple[tuple[str, ...], ...]]:
    """Read the session part after v= and o=: its attributes, and the mids of each BUNDLE group."""
    lines = text.split("\n")
    shared, groups, _ = _read_lines(lines, SESSION_TYPES)
    if not SESSION_ORDER.fullmatch("".join([line[0] for line in lines])):
        raise SdpError("the SDP lacks its s= or its t= line, or has lines out of order before the first m=")
    split = [group.split(" ") for group in groups]
    return shared, tuple(tuple(mids) for semantics, *mids in split if semantics == "BUNDLE" and mids)


def _read_lines(lines: list[str], types: frozenset[str]) -> tuple[dict[str, str], list[str], list[str]]:
    """The attributes of one section by name, apart from the values of all a=group and all a=rtpmap lines."""
    single: dict[str, str] = {}
    groups: list[str] = []
    rtpmaps: list[str] = []
    for line in lines:
        if line[:2] != "a=":
            _check_line(line, types)
            continue
        name, _, value = line[2:].partition(":")
        if name == "rtpmap":
            rtpmaps.append(value)
        elif name == "group":
            groups.append(value)
        elif name in DIRECTIONS:
            single["direction"] = name
        elif name[:1] in ("", " "):
            raise SdpError("an attribute of the SDP has no name")
        else:
            single[name] = value
    return single, groups, rtpmaps


@lru_cache(maxsize=64)  # descriptions have most of these lines in common
def _check_line(line: str, types: frozenset[str]) -> None:
    """Check a line that is not an attribute. Only a session name may be a blank (RFC 8866 5.3)."""
    if line[1:2] != "=" or (line[2:3] in ("", " ") and line != "s= "):
        raise SdpError("a line of the SDP is not of the form type=value")
    if line[0] not in types:
        raise SdpError("a line of the SDP has a type that RFC 8866 does not allow there")
    if line[0] == "c" and not CONNECTION.fullmatch(line):
        raise SdpError("a c= line is not of the form c=IN IP4 address")


def _read_codecs(rtpmaps: list[str]) -> Mapping[str, str]:
    """The encoding of each payload type."""
    codecs = {}
    for value in rtpmaps:
        payload_type, _, encoding = value.partition(" ")
        if not ENCODING.fullmatch(encoding):
            raise SdpError("an a=rtpmap line has no encoding name and clock rate")
        codecs[payload_type] = encoding
    return codecs


def _media_section(text: str, session: str) -> MediaSection:
    """Read one m-section. What is not in each description anew is read once: half of the time of a whole reading."""
    parts = NEW_EACH_TIME.split(text)
    section, found = _read_section("".join(parts[::3]), session), dict(zip(parts[1::3], parts[2::3], strict=True))
    return section._replace(
        ice_ufrag=found.get("ice-ufrag", section.ice_ufrag),
        ice_pwd=found.get("ice-pwd", section.ice_pwd),
        fingerprint=found.get("fingerprint", section.fingerprint),
    )


@lru_cache(maxsize=64)
def _read_section(text: str, session: str) -> MediaSection:
    """Read an m-section; session-level attributes apply where it has none of its own (RFC 8866 5.13)."""
    lines = text.split("\n")
    kind, port, protocol, formats = _read_media(lines[0])
    own, _, rtpmaps = _read_lines(lines[1:], MEDIA_TYPES)
    mine = {**_read_session(session)[0], **own}
    return MediaSection(
        kind=kind,
        port=port,
        protocol=protocol,
        formats=formats,
        codecs=_read_codecs(rtpmaps),
        mid=own.get("mid") or None,
        direction=mine.get("direction", "sendrecv"),
        setup=mine.get("setup"),
        ice_ufrag=mine.get("ice-ufrag"),
        ice_pwd=mine.get("ice-pwd"),
        fingerprint=mine.get("fingerprint"),
        rtcp_mux="rtcp-mux" in own,
        bundle_only="bundle-only" in own,
    )


def _read_media(line: str) -> tuple[str, int, str, tuple[str, ...]]:
    """Kind, port, protocol and formats of an m= line."""
    kind, *rest = line.split(" ")
    if len(rest) < 3 or not all((kind, *rest)):
        raise SdpError("an m= line is not of the form kind port protocol formats")
    port, protocol, *formats = rest
    number = PORT.fullmatch(port)
    if number is None or int(number[1]) > 65535:
        raise SdpError("the port of an m= line is not a number below 65536")
    if "RTP/" in protocol and not PAYLOAD_TYPES.issuperset(formats):
        raise SdpError("an m= line has a payload type that is not a number below 128")
    return kind, int(number[1]), protocol, tuple(formats)
