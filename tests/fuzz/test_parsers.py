"""For any input, parsers return or raise what they document. Findings of atheris are among the examples."""

from __future__ import annotations

import json
import math
import random
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from locust_softphone.config.profile import Profile
from locust_softphone.config.strict_yaml import loads
from locust_softphone.errors import InputError
from locust_softphone.sdp import make_offer
from tests.fuzz.parsers import PARSERS
from tests.runs.records import a_record, a_start, measured_in

OFFER = make_offer(random.Random(0))
PROFILE = """
name: x
users: 5
ramp: {rate: 5/s}
softphone: {like: recommended, retry: {initial: 1s}}
expect: [answered > 1]
"""
POLICY = """
limits: {token: {rate: 50/s, burst: 300}}
retry_after: {form: seconds}
organisations: [{client_id: a, client_secret: b}]
"""
RESPONSE = "HTTP/1.1 429 Slow\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n"
STANZA = '<iq xmlns="jabber:client" type="get" id="1"><ping xmlns="urn:xmpp:ping"/></iq>'
INVITE = (
    "INVITE sip:bob@b.invalid;transport=ws SIP/2.0\r\nVia: SIP/2.0/WS a.invalid;branch=z9hG4bK1\r\n"
    'From: "Ann" <sip:ann@edge.example>;tag=1\r\nTo: <sip:bob@edge.example>\r\nCall-ID: x\r\nCSeq: 1 INVITE\r\n'
    "Contact: <sip:ann@a.invalid;transport=ws;ob>;expires=60\r\nRecord-Route: <sip:edge.example;lr>\r\n"
    'WWW-Authenticate: Digest realm="r", nonce="n", qop="auth"\r\nRetry-After: 5 (later)\r\n\r\n'
    f"{OFFER}"
)
RECORD = json.loads(a_record().to_json())
JOURNAL = [
    {"journal": 1, **vars(a_start())},
    *({"until_s": second + 1.0, "tally": measured_in(second).to_plain()} for second in range(2)),
]


@st.composite
def mangled(draw: st.DrawFn, text: str) -> bytes:
    """A valid text with a part removed, repeated or replaced."""
    for _ in range(draw(st.integers(0, 4))):
        begin = draw(st.integers(0, len(text)))
        end = draw(st.integers(begin, min(len(text), begin + 40)))
        middle = draw(st.one_of(st.text(max_size=8), st.just(text[begin:end] * 3), st.just(""), st.just("9" * 400)))
        text = text[:begin] + middle + text[end:]
    return text.encode("utf-8", "replace")


@pytest.mark.parametrize("name", PARSERS)
@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes(name: str, data: bytes) -> None:
    PARSERS[name](data)


@pytest.mark.parametrize(
    ("name", "good"),
    [("sdp", OFFER), ("profile", PROFILE), ("policy", POLICY), ("http", RESPONSE), ("xml", STANZA), ("sip", INVITE)],
)
@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_damaged_text(name: str, good: str, data: st.DataObject) -> None:
    PARSERS[name](data.draw(mangled(good)))


@settings(max_examples=300, deadline=None)
@given(
    st.one_of(
        st.from_regex(r"[ +-]?[0-9]{0,40}[.eE]?[0-9]{0,5} ?", fullmatch=True),
        st.from_regex(
            r"[A-Z][a-z]{2}, [0-9]{1,2} (Jan|Xxx) [0-9]{1,12} [0-9]{2}:[0-9]{2}:[0-9]{2} (GMT|[+-][0-9]{4,9})"
        ),
        st.text(max_size=70),
    ),
    st.one_of(st.just(""), st.text(max_size=40)),
)
@example("\x1c5", "")  # atheris: str.strip takes off more than float does
@example("²", "")
@example("Fri, 31 Dec 9999 23:59:59 -9999", "")
def test_retry_after(value: str, date: str) -> None:
    PARSERS["retry_after"](f"{value}\n{date}".encode("utf-8", "replace"))


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
    max_leaves=5,
)


def one_value_replaced(data: st.DataObject, good: Any) -> Any:
    """The same value with one part, at any depth, replaced by another value."""
    changed = json.loads(json.dumps(good))
    part: Any = changed
    for _ in range(data.draw(st.integers(0, 4))):
        inner = part.values() if isinstance(part, dict) else part
        deeper = [each for each in inner if isinstance(each, (dict, list)) and each]
        if not deeper:
            break
        part = data.draw(st.sampled_from(deeper))
    key = data.draw(st.sampled_from(sorted(part) if isinstance(part, dict) else range(len(part))))
    if data.draw(st.booleans()) and isinstance(part, dict):
        del part[key]
    else:
        part[key] = data.draw(JSON)
    return changed


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_a_record_with_one_value_replaced(data: st.DataObject) -> None:
    PARSERS["record"](json.dumps(one_value_replaced(data, RECORD)).encode())


def a_journal(lines: list[Any]) -> bytes:
    return "".join(f"{json.dumps(line)}\n" for line in lines).encode()


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_a_journal_with_one_value_replaced(data: st.DataObject) -> None:
    PARSERS["journal"](a_journal(one_value_replaced(data, JOURNAL)))


def test_a_journal_with_planned_leaves_after_its_last_second() -> None:
    PARSERS["journal"](a_journal([{**JOURNAL[0], "leaving": [0] * 100 + [1]}, *JOURNAL[1:]]))


@pytest.mark.parametrize("value", [10**20, 10**400, math.inf, math.nan, -1, 1.5, "1"])
@pytest.mark.parametrize(
    "place",
    [
        ("timeline", 0, 0),
        ("setup_times", 0, 0),
        ("setup_times", 0, 1),
        ("setup_times", 0, 2),
        ("latencies", "offer.service", 0),
        ("latencies", "offer.service", 1),
        ("latencies", "start_lag", 1),
        ("counts", "attempts.offer"),
        ("retry_sample", 0, 1),
        ("first_s", "started"),
    ],
)
def test_a_journal_with_an_absurd_number(place: tuple[str | int, ...], value: float | str) -> None:
    journal = json.loads(json.dumps(JOURNAL))
    part = journal[1]["tally"]
    for step in place[:-1]:
        part = part[step]
    part[place[-1]] = value
    PARSERS["journal"](a_journal(journal))


BILLION_LAUGHS = "a: &a [x, x]\n" + "".join(
    f"{name}: &{name} [*{last}, *{last}, *{last}]\n" for last, name in pairwise("abcdefghi")
)


@pytest.mark.parametrize(
    "text",
    [
        BILLION_LAUGHS,
        "a: &a {<<: *a}",
        "[" * 100_000,
        "{a: " * 20_000,
        "- " * 50_000,
        "users: 0x" + "f" * 100_000,
        "users: " + "9" * 100_000,
        "users: 1e999999999",
        "ramp: " + "9" * 5_000 + "s",
        "!!python/object/apply:os.system [id]",
        "? " * 10_000,
        "name: " + "x" * 1_000_000,
        "\0",
        "%YAML 9.9\n---\na",
    ],
    ids=range(14),
)
@pytest.mark.parametrize("name", ["profile", "policy"])
def test_hostile_yaml_is_refused(name: str, text: str) -> None:
    PARSERS[name](text.encode())
    with pytest.raises(InputError):
        loads(text, Profile)
