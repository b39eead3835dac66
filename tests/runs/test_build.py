"""What a run's record is made of, and its verdict."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hdrh.histogram import HdrHistogram

from locust_softphone.config.expectation import Expectation
from locust_softphone.metrics.attempt import Attempt
from locust_softphone.metrics.catalogue import KINDS, metrics_of, values_of
from locust_softphone.metrics.outcome import Outcome
from locust_softphone.metrics.run_so_far import RunSoFar
from locust_softphone.metrics.tally import Tally
from locust_softphone.report.run_sections import summary_lines
from locust_softphone.runs.build import Aborted, RunEnd, RunStart, build
from locust_softphone.runs.record import RunRecord
from tests.runs.records import a_profile


def a_start(*expectations: str, planned: Sequence[int] = (2,)) -> RunStart:
    profile = a_profile("smoke", users=2, expect=list(expectations)).resolved()
    target = {"url": "http://127.0.0.1:8080", "simulated": True}
    return RunStart("20260801T120000Z-smoke", profile, list(planned), 1, target, {"python": "3.11"}, 0, 1_785_585_600.0)


def recorded(*expectations: str, planned: Sequence[int] = (2,), tally: Tally | None = None, **known: Any) -> RunRecord:
    """The record of two softphones, unless there is another tally."""
    end = RunEnd(**{"after_s": 3.0, "ended": "plan over", **known})
    return build(a_start(*expectations, planned=planned), two_softphones() if tally is None else tally, end)


def two_softphones() -> Tally:
    """One that was answered at once; one whose offer was refused, and which gave up."""
    tally = Tally()
    for number, outcome, status in ((0, Outcome.OK, None), (1, Outcome.RATE_LIMITED, 429)):
        at_s = number * 0.5
        tally.count("started", at_s)
        tally.latencies["start_lag"].record(0.001)
        tally.attempt(Attempt("token", at_s, at_s, at_s + 0.1, Outcome.OK))
        tally.attempt(Attempt("handshake", at_s, at_s + 0.1, at_s + 0.2, Outcome.OK))
        tally.count("connected", at_s + 0.2)
        tally.attempt(Attempt("offer", at_s, at_s + 0.2, at_s + 0.3, outcome, status))
    tally.count("answered", 0.3)
    tally.count("calls.answered", 0.3)
    tally.latencies["call_setup"].record(0.3)
    tally.count("gave_up", 0.8)
    tally.count("closes.1000", 2.0)
    tally.count("closes.1006", 0.9)
    tally.count("abnormal_closes.lost", 0.9)
    return tally


# Contents


def test_the_metrics_of_a_run() -> None:
    record = recorded()
    assert record.totals.model_dump() == {
        "planned": 2,
        "started": 2,
        "connected": 2,
        "answered": 1,
        "gave_up": 1,
        "unfinished": 0,
        "scripts_cut_short": 0,
        "calls_planned": 2,
        "calls_answered": 1,
    }
    assert record.steps["offer"].attempts == 2
    assert record.steps["offer"].outcomes == {"ok": 1, "rate_limited": 1}
    assert record.steps["offer"].service_s.p50 == pytest.approx(0.1, rel=1e-3)
    assert record.steps["offer"].response_s.p50 == pytest.approx(0.3, rel=1e-3)
    assert record.rate_limited == {"total": 1, "token": 0, "handshake": 0, "offer": 1}
    assert record.closes == {"1000": 1, "1006": 1}
    assert record.abnormal_closes["total"] == record.abnormal_closes["lost"] == 1
    assert record.time_to_connected_s == pytest.approx(0.7)


def test_there_is_no_time_to_connected_unless_all_are_connected() -> None:
    assert recorded(planned=(3,)).time_to_connected_s is None


def test_the_timeline_has_planned_and_actual_starts_of_each_second() -> None:
    timeline = recorded(planned=(1, 1)).timeline
    assert [(second.second, second.planned, second.counts.get("started", 0)) for second in timeline] == [
        (0, 1, 2),
        (1, 1, 0),
        (2, 0, 0),
    ]


def test_histograms_can_be_merged_by_other_hdr_tools() -> None:
    record = recorded()
    both = HdrHistogram(1, 3_600_000_000, 3)
    for step in ("token", "offer"):
        both.decode_and_add(record.histograms[f"{step}.service"].encode())
    assert both.get_total_count() == 4


def test_a_record_has_every_metric_of_its_dialect() -> None:
    known = recorded().metrics
    assert metrics_of("media-offer") == known.keys() - {"closes.1000", "closes.1006"}
    assert known["attempts"] == 6
    assert known["amplification"] == 3.0
    assert known["call_setup.p95"] == pytest.approx(0.3, rel=1e-3)


def test_a_run_in_which_nothing_happened_has_zero_counts_and_no_durations() -> None:
    known = recorded(planned=(0,), tally=Tally()).metrics
    nothing = {name for name, value in known.items() if value is None}
    assert nothing == {name for name in known if KINDS.get(name) in ("ratio", "seconds")}
    assert {value for name, value in known.items() if name not in nothing} == {0}


# The verdict


@pytest.mark.parametrize(
    ("expectations", "invalid", "verdict", "exit_code", "why"),
    [
        ((), (), "passed", 0, "nothing was expected"),
        (("connected == 100%", "rate_limited > 0"), (), "passed", 0, "every expectation held"),
        (("connected == 100%", "rate_limited == 0"), (), "failed", 1, "one of them did not"),
        (("call_setup.p95 < 800ms",), (), "passed", 0, "one about a duration"),
        (("rate_limited > 0",), ("a worker was lost",), "invalid", 3, "a run that is not valid cannot pass"),
        (("rate_limited == 0",), ("a worker was lost",), "invalid", 3, "nor can it fail"),
    ],
)
def test_the_verdict(
    expectations: Sequence[str], invalid: Sequence[str], verdict: str, exit_code: int, why: str
) -> None:
    record = recorded(*expectations, invalid=invalid)
    assert (record.verdict, record.exit_code) == (verdict, exit_code), why
    assert (record.validity.valid, record.validity.reasons) == (not invalid, invalid), why


def test_each_expectation_is_judged_by_itself() -> None:
    record = recorded("answered == 50%", "gave_up == 0")
    assert [each.model_dump() for each in record.expectations] == [
        {"text": "answered == 50%", "held": True, "measured": 1},
        {"text": "gave_up == 0", "held": False, "measured": 1},
    ]


def test_an_aborted_run_names_the_expectation_and_leaves_others_undecided() -> None:
    texts = ("rate_limited == 0", "rate_limited.token == 0", "answered >= 25%", "answered == 100%")
    by = Expectation.parse(texts[0])
    record = recorded(*texts, aborted=Aborted(by, after_s=1.5, calls_each=1))
    assert record.aborted is not None
    assert record.aborted.model_dump() == {"by": "rate_limited == 0", "after_s": 1.5}
    assert {each.text: each.held for each in record.expectations} == dict(
        zip(texts, (False, None, True, False), strict=True)
    )
    assert (record.verdict, record.exit_code) == ("failed", 1)
    said = summary_lines(record)
    assert "  remarks      aborted after 1.50 s: rate_limited == 0 could no longer hold" in said
    assert any("? rate_limited.token == 0: " in line for line in said)


def test_the_metrics_read_from_the_record_are_those_of_the_tally() -> None:
    tally = two_softphones()
    values = values_of(RunSoFar([tally], "media-offer", planned=2, calls_each=1, until_s=3.0)).all()
    assert recorded(tally=tally).metrics == values
