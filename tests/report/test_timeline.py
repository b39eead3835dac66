"""The wave of reconnects after a mass disconnect, and what a comparison says about it."""

from __future__ import annotations

from typing import Any

import pytest

from locust_softphone.report.comparison import compare_runs
from locust_softphone.report.findings import FindingKind
from locust_softphone.report.timeline import ReconnectWave, Timeline, wave_of
from locust_softphone.runs.record import RunRecord
from tests.runs.records import a_record, replaced

USERS = 10


def dropped(timeline: list[dict[str, int]], **fields: Any) -> RunRecord:
    record = a_record(**{"users": USERS, **fields})
    rows = [{"second": second, "planned": 0, **row} for second, row in enumerate(timeline)]
    return replaced(record, timeline=rows)


def reconnects(*records: RunRecord) -> list[str]:
    return [each.text for each in compare_runs(records).findings if each.kind is FindingKind.RECONNECTS]


TOGETHER = [
    {"attempts.handshake": USERS, "rate_limited.handshake": 9},  # before the disconnect: not part of the wave
    {"abnormal_closes.lost": 7, "abnormal_closes.reset": 3},
    {},
    {"attempts.handshake": 10, "rate_limited.handshake": 6, "reconnects": 3},
    {"reconnects": 1, "rate_limited.channel": 2},
    {"attempts.handshake": 6, "reconnects": 6},
]


@pytest.mark.parametrize(
    ("timeline", "wave"),
    [
        (TOGETHER, ReconnectWave(dropped=10, returned=10, after_s=4, handshakes_per_s=10, limited_per_s=6)),
        ([{"abnormal_closes.lost": 1}, {"reconnects.failed": 1}], ReconnectWave(1, 0, 0, 0, 0)),
        ([{"abnormal_closes.lost": 10}, {"attempts.handshake": 10}], None),  # before their calls were answered
        ([{"abnormal_closes.refused": 10}, {"attempts.handshake": 10}], None),
        ([], None),
    ],
)
def test_the_reconnect_wave_of_a_timeline(timeline: list[dict[str, int]], wave: ReconnectWave | None) -> None:
    assert wave_of(Timeline.of(dropped(timeline).timeline), USERS) == wave


def test_a_disconnect_of_fewer_than_a_tenth_is_not_a_mass_disconnect() -> None:
    assert wave_of(Timeline.of(dropped([{"abnormal_closes.lost": 9}]).timeline), 100) is None


def test_a_comparison_describes_the_reconnects_of_each_arm() -> None:
    paced = [{"abnormal_closes.lost": 10}, *({"attempts.handshake": 2, "reconnects": 2} for _ in range(4))]
    assert reconnects(dropped(TOGETHER, name="storm"), dropped(paced, name="paced")) == [
        "Reconnects after 10 connections were lost at once: paced peaked at 2 handshakes and no 429s in a second, "
        "8 reconnected after 4 s; storm peaked at 10 handshakes and 6 429s in a second, all reconnected after 4 s."
    ]


def test_a_run_without_a_mass_disconnect_has_no_finding_about_reconnects() -> None:
    assert reconnects(a_record()) == []
