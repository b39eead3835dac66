"""Progress: the time left, from plans and measured overheads; what is said of it in plain lines."""

from __future__ import annotations

import io

import pytest

from locust_softphone.commands.progress import OVERHEAD_S, Estimate, minutes, watching


@pytest.mark.parametrize(
    ("finished_s", "elapsed_s", "left_s"),
    [
        ([], 0.0, 10 + 20 + 3 * OVERHEAD_S + 30),
        ([], 5.0, 10 + 20 + 3 * OVERHEAD_S + 30 - 5),
        ([], 99.0, 20 + 2 * OVERHEAD_S + 30),  # overdue: the rest still takes its time
        ([11.0], 0.0, 21 + 31),  # measured: 1 s more than planned
        ([11.0, 23.0], 0.0, 32),  # 1 s and 3 s: 2 s on average
        ([4.0], 0.0, 14 + 24),  # ended early: so may the others
        ([11.0, 23.0, 32.0], 0.0, 0.0),
    ],
)
def test_the_time_left(finished_s: list[float], elapsed_s: float, left_s: float) -> None:
    estimate = Estimate([10.0, 20.0, 30.0])
    for took_s in finished_s:
        estimate.finished(took_s)
    assert estimate.left_s(elapsed_s) == pytest.approx(left_s)


def test_the_share_that_is_done_rises_to_all() -> None:
    estimate = Estimate([10.0, 10.0])
    shares = [estimate.share_done(0.0), estimate.share_done(6.5)]
    estimate.finished(13.0)
    shares += [estimate.share_done(0.0), estimate.share_done(6.5)]
    estimate.finished(13.0)
    assert [*shares, estimate.share_done(0.0)] == pytest.approx([0.0, 0.25, 0.5, 0.75, 1.0])


def test_nothing_to_do_is_no_share() -> None:
    assert Estimate([]).share_done(0.0) == 0.0


@pytest.mark.parametrize(("seconds", "text"), [(0.0, "0:00"), (0.2, "0:01"), (59.1, "1:00"), (220.0, "3:40")])
def test_minutes(seconds: float, text: str) -> None:
    assert minutes(seconds) == text


def test_plain_lines() -> None:
    out = io.StringIO()
    now_s = 100.0
    with watching(["burst", "paced"], [20.0, 30.0], out=out, live=False, clock=lambda: now_s) as watch:
        watch.begin()
        now_s += 10
        watch.tick()
        now_s += 11
        watch.end("done")
        watch.begin()
        now_s += 31
        watch.end("no record, see 2-paced.log")
        watch.say("  out of memory")
    assert out.getvalue().splitlines() == [
        "1 of 2: burst begins, 0:56 left",
        "1 of 2: burst done, after 0:21",
        "2 of 2: paced begins, 0:31 left",
        "2 of 2: paced no record, see 2-paced.log, after 0:31",
        "  out of memory",
    ]
