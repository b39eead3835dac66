"""Counters that an edge publishes, and what hostile servers publish instead."""

from __future__ import annotations

import json
from typing import Any

import pytest

from locust_softphone.runs.edge_counters import SERVER, gone_down, read_counters
from locust_softphone.runs.ledger import balance, since

STEP = {"requests": 3, "admitted": 2, "refused": {"429": 1}, "cut": 0}
HONEST: dict[str, Any] = {
    "server": SERVER,
    "instance": "one",
    "policy": {"limits": {"offer": {"rate": "5/s"}}},
    "steps": {"offer": STEP},
    "sessions": {"total": 1},
    "closes": {"1000": 1},
}


def changed(**fields: Any) -> bytes:
    return json.dumps({**HONEST, **fields}).encode()


def nested(levels: int) -> bytes:
    return json.dumps(HONEST)[:-1].encode() + b', "x": ' + b'{"a": ' * levels + b"1" + b"}" * levels + b"}"


def test_counters_are_read() -> None:
    assert read_counters(changed()) == HONEST


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "nothing"),
        (b"<html>", "not JSON"),
        (b"[]", "not an object"),
        (b"{}", "another server"),
        (changed(server="nginx"), "another server"),
        (nested(100_000), "too deep for any parser"),
        (changed(policy="<b>x</b>"), "a policy is a mapping"),
        (changed(policy=[1]), "a policy is a mapping"),
        (changed(policy=json.loads('{"a": ' * 50 + "1" + "}" * 50)), "no policy is so deep"),
        (changed(instance=1), "an instance is a text"),
        (changed(steps=[]), "steps are a mapping"),
        (changed(steps={"offer": 3}), "a step is a mapping"),
        (changed(steps={"offer": {**STEP, "admitted": 1e308}}), "a counter is a whole number"),
        (changed(steps={"offer": {**STEP, "admitted": 10**30}}), "larger than any counter"),
        (changed(steps={"offer": {**STEP, "admitted": -1}}), "negative"),
        (changed(steps={"offer": {**STEP, "admitted": True}}), "not a number"),
        (changed(steps={"offer": {**STEP, "refused": 5}}), "refusals are by status"),
        (changed(steps={"offer": {**STEP, "refused": {"<img src=x>": 3}}}), "not a status"),
        (changed(sessions=5), "sessions are a mapping"),
        (changed(sessions={"total": {"a": 1}}), "their number is a number"),
        (changed(doubled={"offer": {}}), "a number by step"),
        (changed(foreign={"offer": 1}), "numbers by step and decision"),
        (json.dumps(HONEST)[:-1].encode() + b', "x": ' + b"9" * 5000 + b"}", "too long a number for Python"),
    ],
)
def test_anything_else_is_not_an_edge_with_counters(body: bytes, why: str) -> None:
    assert read_counters(body) is None, why


@pytest.mark.parametrize(
    "body",
    [
        nested(900),
        changed(evil="A" * 900_000),
        changed(**{"n" * 1000: 1}),
        changed(many={str(n): 1 for n in range(999)}),
    ],
    ids=["deep", "a long text", "a long name", "many names"],
)
def test_what_is_too_much_is_left_out(body: bytes) -> None:
    found = read_counters(body)
    assert found is not None
    assert len(json.dumps(found)) < 5000
    assert balance({}, since(found, found)["steps"])["balanced"]


def test_counters_only_grow() -> None:
    before, after = read_counters(changed()), read_counters(changed(closes={"1000": 0}))
    assert before is not None
    assert after is not None
    assert gone_down(since(before, after))
    assert not gone_down(since(after, before))
