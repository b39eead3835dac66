"""Durations and rates: reading, bad input, and writing."""

from __future__ import annotations

import re
from typing import Annotated

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from locust_softphone.config.units import PerSecond, Seconds, format_duration, format_rate, parse_duration, parse_rate


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0s", 0.0),
        ("250ms", 0.25),  # ms is not minutes
        ("60s", 60.0),
        ("1.5s", 1.5),
        ("2m", 120.0),
        ("1h", 3600.0),
        ("1m30s", 90.0),  # parts add up
        ("0.1s", 0.1),  # decimal, not the sum of binary fractions
        ("168h", 604800.0),  # a week: the longest accepted
    ],
)
def test_a_duration_is_read_in_seconds(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("60", '"60" is not a duration, write 60s'),
        (60, "60 is not a duration, write 60s"),
        (0, "0 is not a duration, write 0s"),
        (1.5, "1.5 is not a duration, write 1.5s"),
        (True, "true is not a duration, write 250ms, 60s, 2m or 1m30s"),  # bool is an int to Python
        (None, "null is not a duration, write 250ms, 60s, 2m or 1m30s"),
        ("", '"" is not a duration, write 250ms, 60s, 2m or 1m30s'),
        ("soon", '"soon" is not a duration, write 250ms, 60s, 2m or 1m30s'),
        ("-1s", '"-1s" is not a duration, write 250ms, 60s, 2m or 1m30s'),
        ("nans", '"nans" is not a duration, write 250ms, 60s, 2m or 1m30s'),
        ("infs", '"infs" is not a duration, write 250ms, 60s, 2m or 1m30s'),
        ("1e3s", '"1e3s" is not a duration, write 250ms, 60s, 2m or 1m30s'),
        ("1:30", '"1:30" is not a duration, write 250ms, 60s, 2m or 1m30s'),  # 90 in YAML 1.1
        ("60 s", '"60 s" is not a duration, write 60s'),
        ("60s\n", '"60s\\n" is not a duration, write 60s'),
        ("٣s", '"٣s" is not a duration, write 250ms, 60s, 2m or 1m30s'),  # a digit to str.isdigit, not to us
        ("800", '"800" is not a duration, write 800ms or 800s'),
        (60000, "60000 is not a duration, did you mean milliseconds? Then write 60s; seconds are 60000s"),
        ("1500", '"1500" is not a duration, did you mean milliseconds? Then write 1.5s; seconds are 1500s'),
        ("10 sec", '"10 sec" is not a duration, write 10s'),
        ("5 minutes", '"5 minutes" is not a duration, write 5m'),
        ("1.5 Hours", '"1.5 Hours" is not a duration, write 1.5h'),
        ("20 msec", '"20 msec" is not a duration, write 20ms'),
        ("50/s", '"50/s" is not a duration, it is a rate; write 250ms, 60s, 2m or 1m30s'),
        ("169h", '"169h" is too long, a duration is at most 604800s'),
        ("0.0001ms", '"0.0001ms" is too short, write 0s for none'),
        (["60s"], "a list is not a duration, write 250ms, 60s, 2m or 1m30s"),
    ],
)
def test_a_bad_duration_is_refused_with_advice(text: object, problem: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(problem)}$"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("text", "per_s"),
    [
        ("50/s", 50.0),
        ("0.5/s", 0.5),
        ("300/min", 5.0),
        ("10/h", 10 / 3600),
        ("1000000/s", 1e6),  # the highest accepted
    ],
)
def test_a_rate_is_read_per_second(text: str, per_s: float) -> None:
    assert parse_rate(text) == per_s


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("50", '"50" is not a rate, write 50/s'),
        (50, "50 is not a rate, write 50/s"),
        ("50/m", '"50/m" is not a rate, write 50/s, 300/min or 10/h'),  # a month? a metre?
        ("50 / s", '"50 / s" is not a rate, write 50/s'),
        ("50rps", '"50rps" is not a rate, write 50/s'),
        ("300 per minute", '"300 per minute" is not a rate, write 300/min'),
        ("60s", '"60s" is not a rate, it is a duration; write 50/s, 300/min or 10/h'),
        ("-50/s", '"-50/s" is not a rate, write 50/s, 300/min or 10/h'),
        ("nan/s", '"nan/s" is not a rate, write 50/s, 300/min or 10/h'),
        ("0/s", '"0/s" is out of bounds, a rate is above 0 and at most 1000000/s'),  # would never start a softphone
        ("2000000/s", '"2000000/s" is out of bounds, a rate is above 0 and at most 1000000/s'),
        (None, "null is not a rate, write 50/s, 300/min or 10/h"),
    ],
)
def test_a_bad_rate_is_refused_with_advice(text: object, problem: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(problem)}$"):
        parse_rate(text)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.0, "0s"), (0.25, "250ms"), (0.0005, "0.5ms"), (1.0, "1s"), (1.5, "1.5s"), (60.0, "60s"), (7200.0, "7200s")],
)
def test_a_duration_is_written_in_milliseconds_or_seconds(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


@pytest.mark.parametrize(
    ("per_s", "text"),
    [(50.0, "50/s"), (0.5, "30/min"), (5.0, "5/s"), (10 / 3600, "10/h"), (1 / 60, "1/min")],
)
def test_a_rate_is_written_in_the_unit_with_the_shortest_number(per_s: float, text: str) -> None:
    assert format_rate(per_s) == text


@given(st.floats(1e-6, 604800))
def test_a_written_duration_is_read_back_exactly(seconds: float) -> None:
    assert parse_duration(format_duration(seconds)) == seconds


@given(st.floats(1e-6, 1e6))
def test_a_written_rate_is_read_back_exactly(per_s: float) -> None:
    assert parse_rate(format_rate(per_s)) == per_s


class Pace(BaseModel):
    hold_s: Annotated[Seconds, Field(alias="hold")]
    rate_per_s: Annotated[PerSecond, Field(alias="rate")]


def test_model_fields_are_floats_in_python_and_text_in_json() -> None:
    pace = Pace.model_validate({"hold": "1m", "rate": "300/min"})
    assert (pace.hold_s, pace.rate_per_s) == (60.0, 5.0)
    assert pace.model_dump(mode="json", by_alias=True) == {"hold": "60s", "rate": "5/s"}
    assert {name: field["type"] for name, field in Pace.model_json_schema()["properties"].items()} == {
        "hold": "string",
        "rate": "string",
    }
