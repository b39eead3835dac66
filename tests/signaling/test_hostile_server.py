"""A server that answers what no honest one would: the attempt fails with an outcome, and the softphone goes on."""

from __future__ import annotations

import struct

import pytest

from locust_softphone.signaling.softphone import Softphone
from tests.signaling.scripted_server import Script, frame, says, serving, switches
from tests.signaling.softphones import Observations, Time, a_fleet

NO_RETRY = {"max_retries": 0}


def answers(body: str, headers: str = "") -> Script:
    return says(f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n{headers}\r\n{body}".encode())


TOKEN = answers('{"access_token": "t", "expires_in": 3600}')
READY = frame(1, b'{"type": "ready"}')


def outcomes(*scripts: Script) -> dict[str, str]:
    """How the steps of a call ended against a server that says these things, a connection each."""
    seen = Observations()
    with serving(*scripts) as target:
        phone = Softphone(a_fleet(target, seen, Time(), retry=NO_RETRY), 0, 0.0)
        phone.call()
        phone.hang_up()
    return {each.step: str(each.outcome) for each in seen.attempts}


@pytest.mark.parametrize("lifetime", ["-1", "NaN", "1e400", "-1e400", "[]", "1" * 5000])
def test_a_lifetime_that_is_not_sensible(lifetime: str) -> None:
    assert outcomes(answers(f'{{"access_token": "t", "expires_in": {lifetime}}}')) == {"token": "malformed"}


def test_ten_thousand_header_lines() -> None:
    headers = "".join(f"X-{n}: 1\r\n" for n in range(10_000))
    assert outcomes(answers('{"access_token": "t"}', headers)) == {"token": "malformed"}


@pytest.mark.parametrize(
    ("frames", "why"),
    [
        (b"\x81\x7f" + struct.pack(">Q", 2**63), "a length with the highest bit set"),
        (b"\x81\x7f" + struct.pack(">Q", 2**62), "a length of four exabytes"),
        (b"\x09\x00", "a ping that is a fragment"),
        (b"\x08\x00", "a close frame that is a fragment"),
        (b"\x89\x7e\x00\x80" + bytes(128), "a ping of more than 125 bytes"),
    ],
)
def test_frames_that_are_not_allowed(frames: bytes, why: str) -> None:
    assert outcomes(TOKEN, switches(frames))["ready"] == "malformed", why


def test_an_answer_of_100_000_lines() -> None:
    sdp = "v=0\\r\\n" + "a=x\\r\\n" * 100_000
    assert outcomes(TOKEN, switches(READY), answers(f'{{"sdp": "{sdp}"}}'))["offer"] == "bad_answer"
