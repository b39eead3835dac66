"""Progress: the time left, from planned durations and measured overheads, and the plain lines."""

from __future__ import annotations

import io

import pytest

from locust_softphone.commands.progress import OVERHEAD_S, minutes, reporting, time_left_s


@pytest.mark.parametrize(
    ("took_s", "elapsed_s", "left_s"),
    [
        ([], 0.0, 10 + 20 + 3 * OVERHEAD_S + 30),
        ([], 5.0, 10 + 20 + 3 * OVERHEAD_S + 30 - 5),
        ([], 99.0, 20 + 2 * OVERHEAD_S + 30),  # the current run is overdue; the others still take their time
        ([11.0], 0.0, 21 + 31),  # measured: 1 s more than planned
        ([11.0, 23.0], 0.0, 32),  # 1 s and 3 s: 2 s on average
        ([4.0], 0.0, 14 + 24),  # ended early: the others may too
        ([11.0, 23.0, 32.0], 0.0, 0.0),
    ],
)
def test_time_left(took_s: list[float], elapsed_s: float, left_s: float) -> None:
    assert time_left_s([10.0, 20.0, 30.0], took_s, elapsed_s) == pytest.approx(left_s)


@pytest.mark.parametrize(("seconds", "text"), [(0.0, "0:00"), (0.2, "0:01"), (59.1, "1:00"), (220.0, "3:40")])
def test_minutes_are_rounded_up_to_a_second(seconds: float, text: str) -> None:
    assert minutes(seconds) == text


def test_without_a_terminal_the_progress_is_plain_lines() -> None:
    out = io.StringIO()
    now_s = 100.0
    with reporting([("burst", 20.0), ("paced", 30.0)], out=out, live=False, clock=lambda: now_s) as progress:
        progress.begin()
        now_s += 10
        progress.tick()
        now_s += 11
        progress.end("done")
        progress.begin()
        now_s += 31
        progress.end("no record, see 2-paced.log")
        progress.say("  out of memory")
    assert out.getvalue().splitlines() == [
        "1 of 2: burst begins, 0:56 left",
        "1 of 2: burst done, after 0:21",
        "2 of 2: paced begins, 0:31 left",
        "2 of 2: paced no record, see 2-paced.log, after 0:31",
        "  out of memory",
    ]


def test_on_a_terminal_the_bar_fills_up_to_the_end() -> None:
    out = io.StringIO()
    now_s = 0.0
    with reporting(
        [("burst", 10.0), ("paced", 10.0)], out=out, live=True, clock=lambda: now_s, counts=lambda: "3 answered"
    ) as progress:
        assert progress._bar is not None
        (task,) = progress._bar.tasks
        shares = []
        for _ in range(2):
            progress.begin()
            shares.append(task.completed)
            now_s += 6.5
            progress.tick()
            shares.append(task.completed)
            now_s += 6.5
            progress.end("done")
    assert shares == pytest.approx([0.0, 0.25, 0.5, 0.75])
    assert task.fields["counts"] == "3 answered"
