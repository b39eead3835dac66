"""The conditions that differ between two runs, without settings that have no effect."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from locust_softphone.report.conditions import Change, changes, conditions
from tests.runs.records import a_record, changed

NEVER: dict[str, Any] = {"like": "sdk-2.3.1", "retry": {"max_retries": 0}}
BACKOFF = {"like": "sdk-2.3.1"}


def between(before: dict[str, Any], after: dict[str, Any]) -> list[Change]:
    return changes(conditions(a_record(**before)), conditions(a_record(**after)))


@pytest.mark.parametrize(
    ("before", "after", "part", "name", "values", "settings"),
    [
        ({}, {"ramp": "60s"}, "ramp", "ramp", ("0s", "60s"), 1),
        ({}, {"ramp": {"rate": "50/s"}}, "ramp", "ramp", ("0s", "50/s"), 1),
        (
            {"ramp": "1s"},
            {"ramp": {"stages": [{"to": 5, "over": "1s"}, {"hold": "2s"}, {"to": 10}]}},
            "ramp",
            "ramp",
            ("1s", "to 5 over 1s, then hold 2s, then to 10 over 0s"),
            1,
        ),
        ({}, {"users": 20}, "users", "users", ("10", "20"), 1),
        ({}, {"hold": "20s"}, "hold", "hold", ("15s", "20s"), 1),
        (
            {"ramp": "1s"},
            {"ramp": "1s", "arrivals": "poisson", "seed": 7},
            "arrivals",
            "arrivals",
            ("arrivals uniform, seed 0", "arrivals poisson, seed 7"),
            2,
        ),
        # The name of a preset is not a condition, its settings are: without retries, an upgrade only waits.
        (
            {"softphone": {"like": "sdk-2.1.0", "retry": {"max_retries": 0}}},
            {"softphone": NEVER},
            "ready",
            "ready",
            ("ignore", "wait"),
            1,
        ),
        ({"softphone": {"token": "per-connection"}}, {}, "token", "token", ("per-connection", "shared"), 1),
        ({"softphone": NEVER}, {"softphone": BACKOFF}, "retry", "max_retries", ("0", "3"), 1),
        (
            {"softphone": BACKOFF},
            {"softphone": {**BACKOFF, "retry": {"jitter": "full", "retry_after": "honour"}}},
            "retry",
            "retry",
            ("jitter none, retry_after ignore", "jitter full, retry_after honour"),
            2,
        ),
        (
            {"softphone": {"calls": {"count": 2, "every": "1s"}}},
            {"softphone": {"calls": {"count": 2, "every": "1s"}, "connection": "per-call"}},
            "connection",
            "connection",
            ("reuse", "per-call"),
            1,
        ),
        ({}, {"policy": {"patience": 0}}, "policy", "patience", ("nothing", "0"), 1),
        ({"policy": {"patience": 3}}, {"policy": {"patience": 0}}, "policy", "patience", ("3", "0"), 1),
        ({}, {"versions": {"locust": "2.48.0"}}, "versions", "locust", ("2.47.0", "2.48.0"), 1),
    ],
)
def test_one_part_differs(
    before: dict[str, Any], after: dict[str, Any], part: str, name: str, values: tuple[str, str], settings: int
) -> None:
    change = Change(part, name, *values, settings)
    assert between(before, after) == [change]
    assert between(after, before) == [replace(change, before=change.after, after=change.before)]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(
            {}, {"name": "another", "expect": ["answered == 100%"], "about": "x"}, id="names and expectations"
        ),
        pytest.param({"ramp": "1s"}, {"ramp": "1s", "seed": 7}, id="the seed of uniform arrivals"),
        pytest.param({}, {"arrivals": "poisson", "seed": 7}, id="the arrival process of a burst"),
        pytest.param({"softphone": NEVER}, {"softphone": {**NEVER, "retry": {"max_retries": 0, "jitter": "full"}}}),
        pytest.param(
            {}, {"softphone": {"calls": {"every": "3s"}}}, id="the interval between calls when there is one call"
        ),
        pytest.param(
            {}, {"softphone": {"connection": "per-call"}}, id="the connection per call when there is one call"
        ),
        pytest.param(
            {"softphone": {"like": "sdk-2.1.0"}},
            {"softphone": {"like": "sdk-2.1.0", "retry": {"jitter": "full"}}},
            id="jitter on a back-off of zero",
        ),
        pytest.param(
            {"softphone": BACKOFF},
            {"softphone": {**BACKOFF, "retry": {"retry_after_cap": "1s", "upgrade_headers": "hidden"}}},
            id="how an ignored header is read",
        ),
        pytest.param({"url": "http://127.0.0.1:1"}, {"url": "http://127.0.0.1:2"}, id="a simulated edge's port"),
    ],
)
def test_a_setting_without_effect_is_not_a_change(before: dict[str, Any], after: dict[str, Any]) -> None:
    assert between(before, after) == []


def test_a_setting_that_is_null_is_like_one_that_an_older_record_does_not_have() -> None:
    record = a_record()
    older = changed(record, lambda content: content["profile"]["softphone"]["retry"].pop("adaptive"))
    assert record.profile["softphone"]["retry"]["adaptive"] is None
    assert changes(conditions(older), conditions(record)) == []


def test_several_parts_differ() -> None:
    after = {"ramp": "60s", "simulated": False, "url": "https://edge.example", "softphone": {"ready": "ignore"}}
    found = between({"policy": {"patience": 3}}, after)
    assert [each.part for each in found] == ["ramp", "ready", "target", "policy"]
    assert found[2] == Change("target", "target", "simulated", "https://edge.example")
    assert found[3] == Change("policy", "patience", "3", "nothing")
