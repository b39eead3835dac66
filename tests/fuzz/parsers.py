"""The parsers of foreign input, each as a function of bytes that raises only when the parser has a defect."""

from __future__ import annotations

import random
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from pydantic import SecretStr

from locust_softphone import sdp
from locust_softphone.config import strict_yaml
from locust_softphone.config.policy import Organisation, Policy
from locust_softphone.config.profile import Profile
from locust_softphone.edge.access import Access
from locust_softphone.errors import AttemptFailed, InputError
from locust_softphone.limits.advice import LimitAdvice
from locust_softphone.report.comparison import compare_runs
from locust_softphone.report.terminal import render
from locust_softphone.runs.history import read_records
from locust_softphone.runs.journal import NAME, recover
from locust_softphone.signaling.dialects.sip.digest import challenges
from locust_softphone.signaling.dialects.sip.refusals import refusal_of
from locust_softphone.signaling.dialects.sip.sip_calls import Calls
from locust_softphone.signaling.dialects.sip.sip_requests import Identity
from locust_softphone.signaling.http import read_body, read_head
from locust_softphone.signaling.stream import Stream
from locust_softphone.sip_text import SipError, address, parse_sip
from locust_softphone.untrusted import XmlError, xml_element

__all__ = ["PARSERS"]

_LATER_S = 1e6  # than any test lasts
_SCRATCH = TemporaryDirectory()


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def _sdp(data: bytes) -> None:
    """An offer that can be parsed can be answered, and the answer matches it or accepts nothing."""
    with suppress(sdp.SdpError):
        offer = sdp.parse(_text(data))
        answer = sdp.parse(sdp.make_answer(offer, random.Random(0)))
        sdp.check_answer(offer, answer)


def _retry_after(data: bytes) -> None:
    value, _, date = _text(data).partition("\n")
    headers = {"retry-after": value, "date": date, "x-ratelimit-remaining": "0", "x-ratelimit-reset": value}
    advice = LimitAdvice.from_headers(headers, 1.7e9)
    assert advice.retry_after_s is None or 0 <= advice.retry_after_s <= 1e18
    assert advice.reset_s is None or advice.reset_s >= 0


def _profile(data: bytes) -> None:
    with suppress(InputError):
        profile = strict_yaml.loads(_text(data), Profile, name="profile.yaml")
        assert list(profile.describe())


def _policy(data: bytes) -> None:
    with suppress(InputError):
        policy = strict_yaml.loads(_text(data), Policy, name="policy.yaml")
        assert policy.as_json()


def _record(data: bytes) -> None:
    file = Path(_SCRATCH.name, "run.json")
    file.write_bytes(data)
    records, problems = read_records([file])
    assert len(records) + bool(problems) == 1
    if records:
        render(compare_runs(records), width=80, colour=False)


def _journal(data: bytes) -> None:
    folder = Path(_SCRATCH.name, "killed")
    folder.mkdir(exist_ok=True)
    (folder / NAME).write_bytes(data)
    (folder / "run.json").unlink(missing_ok=True)
    with suppress(InputError):
        recover(folder)


def _xml(data: bytes) -> None:
    with suppress(XmlError):
        xml_element(_text(data))


def _authorization(data: bytes) -> None:
    access = Access([Organisation(client_id="acme", client_secret=SecretStr("s3cret"))], 60.0)
    text = data.decode("utf-8", "surrogateescape")
    assert access.client_id(text) in (None, "acme")
    assert access.grant_of_header(text, 0.0) is None


def _http(data: bytes) -> None:
    here, there = socket.socketpair()
    with there:
        there.sendall(data[:65536])
        there.shutdown(socket.SHUT_WR)
        stream = Stream(here, _LATER_S)
        try:
            with suppress(AttemptFailed):
                read_body(stream, read_head(stream))
        finally:
            stream.close()


def _sip(data: bytes) -> None:
    """A message that can be read is answered, or ignored, by both ends."""
    with suppress(SipError):
        message = parse_sip(_text(data))
        for value in message.values("contact"):
            address(value)
        identity = Identity(random.Random(0), "sip:a@b", "WS", "tests")
        Calls(identity, random.Random(0), 0.0).on_request(message, 0.0)
        challenges(message.headers.get("www-authenticate", ()))
        advice = refusal_of(message).advice.retry_after_s
        assert advice is None or advice >= 0


PARSERS: Mapping[str, Callable[[bytes], None]] = {
    "authorization": _authorization,
    "http": _http,
    "journal": _journal,
    "policy": _policy,
    "profile": _profile,
    "record": _record,
    "retry_after": _retry_after,
    "sdp": _sdp,
    "sip": _sip,
    "xml": _xml,
}
