"""The wave after a drop, from a timeline, and what a comparison says of it."""

from __future__ import annotations

from typing import Any

import pytest

from locust_softphone.report.comparison import run_of, side_by_side
from locust_softphone.report.findings import findings
from locust_softphone.report.wave import Wave, wave_of
from tests.runs.records import a_record

USERS = 10


def dropped(timeline: list[dict[str, int]], **fields: Any) -> dict[str, Any]:
    record = a_record(**{"users": USERS, **fields})
    record["timeline"] = [{"second": second, "planned": 0, **row} for second, row in enumerate(timeline)]
    return record


TOGETHER = [
    {"attempts.handshake": USERS, "rate_limited.handshake": 9},  # before the drop: no part of the wave
    {"abnormal_closes.lost": 7, "abnormal_closes.reset": 3},
    {},
    {"attempts.handshake": 10, "rate_limited.handshake": 6, "reconnects": 3},
    {"reconnects": 1, "rate_limited.channel": 2},
    {"attempts.handshake": 6, "reconnects": 6},
]


@pytest.mark.parametrize(
    ("timeline", "wave"),
    [
        (TOGETHER, Wave(dropped=10, returned=10, after_s=4, handshakes_per_s=10, limited_per_s=6)),
        ([{"abnormal_closes.lost": 1}, {"reconnects.failed": 1}], Wave(1, 0, 0, 0, 0)),
        ([{"abnormal_closes.lost": 10}, {"attempts.handshake": 10}], None),  # cut before their calls were answered
        ([{"abnormal_closes.refused": 10}, {"attempts.handshake": 10}], None),
        ([], None),
    ],
)
def test_the_wave_of_a_run(timeline: list[dict[str, int]], wave: Wave | None) -> None:
    assert wave_of(dropped(timeline)) == wave


def test_fewer_than_a_tenth_make_no_wave() -> None:
    assert wave_of(dropped([{"abnormal_closes.lost": 9}], users=100)) is None


def test_a_comparison_says_how_each_came_back() -> None:
    paced = [{"abnormal_closes.lost": 10}, *({"attempts.handshake": 2, "reconnects": 2} for _ in range(4))]
    runs = side_by_side([run_of(dropped(TOGETHER, name="storm")), run_of(dropped(paced, name="paced"))])
    (sentence,) = (each for each in findings(runs) if each.startswith("Returning"))
    assert sentence == (
        "Returning after a drop of 10 at once: paced up to 2 handshakes and no 429s in a second, 8 back after 4 s; "
        "storm up to 10 handshakes and 6 429s in a second, all back after 4 s."
    )


def test_nothing_is_said_where_nothing_was_dropped() -> None:
    assert not [each for each in findings(side_by_side([run_of(a_record())])) if "Returning" in each]
