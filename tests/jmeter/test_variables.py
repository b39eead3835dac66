"""What ``${…}`` becomes."""

from __future__ import annotations

import pytest

from locust_softphone.jmeter.variables import NotGiven, Variables

DEFINED = {"agents": "500", "also": "${agents}", "loop": "${loop}", "big": "${bigger}", "bigger": "${big}" * 50}


@pytest.mark.parametrize(
    ("text", "given", "expected"),
    [
        ("500", {}, "500"),
        ("${agents}", {}, "500"),
        ("${agents}", {"agents": "7"}, "7"),
        ("${also}0", {}, "5000"),
        ("${__P(threads,20)}", {}, "20"),
        ("${__P(threads,20)}", {"threads": "8"}, "8"),
        ("${__P(threads)}", {}, "1"),
        ("${__P(threads,${agents})}", {}, "500"),
        ("${__property(threads,,20)}", {}, "20"),
        ("${__tstFeedback(timer,1,10,2)}", {"__tstFeedback(timer,1,10,2)": "10"}, "10"),
    ],
)
def test_a_value(text: str, given: dict[str, str], expected: str) -> None:
    assert Variables(DEFINED, given).resolve(text) == expected


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("${calls}", "calls"),
        ("${__property(threads)}", "threads"),
        ("${__Random(1,9)}", "__Random(1,9)"),
        ("${loop}", "${loop}"),
        ("${big}", None),
    ],
)
def test_what_has_no_value_is_asked_for(text: str, asked: str | None) -> None:
    with pytest.raises(NotGiven) as caught:
        Variables(DEFINED, {}).resolve(text)
    assert asked is None or str(caught.value) == asked
    assert len(str(caught.value)) < 100
