"""The picture of a diagnosis, from a recorded run of the pack."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from locust_softphone.metrics.observed_attempts import Observations
from locust_softphone.report.comparison import compare_runs
from locust_softphone.report.html.limit_series import limit_series
from locust_softphone.report.html.page import comparison_html
from locust_softphone.runs.limit_diagnosis import limits_of
from locust_softphone.runs.record import RunRecord
from tests.runs.records import a_record, replaced

GOLDEN = Path(__file__).parents[1] / "golden" / "observations-burst-500-backoff.json"


@cache
def a_diagnosed_record() -> RunRecord:
    recorded: Any = json.loads(GOLDEN.read_text())
    observed = {name: Observations.from_plain(each) for name, each in recorded["observations"].items()}
    limits = limits_of(observed, late_s=recorded["late_s"], alone=True)
    return replaced(a_record(), observations=recorded["observations"], limits=limits)


def test_the_fitted_limit_admits_about_what_the_edge_admitted_at_any_time() -> None:
    series = limit_series(a_diagnosed_record())
    assert {"handshake", "offer"} <= set(series)
    for curves in series.values():
        assert curves["at_s"] == sorted(curves["at_s"])
        assert curves["fitted"] == pytest.approx(curves["observed"], abs=25)


def test_the_page_has_the_picture_only_if_a_limit_is_explained() -> None:
    assert 'data-chart="limits"' in comparison_html(compare_runs([a_diagnosed_record()]))
    assert 'data-chart="limits"' not in comparison_html(compare_runs([a_record()]))


def test_columns_that_cannot_be_decoded_give_no_picture() -> None:
    record = a_diagnosed_record()
    broken = {name: {**each.model_dump(), "count": 7} for name, each in record.observations.items()}
    assert limit_series(replaced(record, observations=broken)) == {}


def test_a_run_with_several_possible_limits_is_not_said_to_have_none() -> None:
    known: dict[str, Any] = {"foreign_share": 0.0, "different": None, "likely": True, "best": {}}
    both = [
        {**known, "kind": "cap of open sessions", "bounds": {"cap": {"low": 28.0, "high": 150.0}}},
        {
            **known,
            "kind": "token bucket",
            "bounds": {"burst": {"low": 1.0, "high": 60.0}, "rate": {"low": 0.0, "high": None}},
        },
    ]
    diagnosed = a_diagnosed_record()
    (limit, *_) = json.loads(diagnosed.to_json())["limits"]
    unclear = replaced(a_record("unclear"), limits=[{**limit, "hypotheses": both}])
    page = comparison_html(compare_runs([diagnosed, unclear]))
    assert "several limits are possible" in page
    assert "no limit is explained" not in page
