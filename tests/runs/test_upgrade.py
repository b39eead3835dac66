"""Records and journals of older versions are read as today's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from locust_softphone.metrics.catalogue import metrics_of
from locust_softphone.metrics.tally import Tally
from locust_softphone.runs.record import SCHEMA_VERSION
from locust_softphone.runs.storage import parse, read
from locust_softphone.runs.upgrade import tally_in_current_names
from tests.runs.records import a_record

GOLDEN = Path(__file__).parents[1] / "golden" / "run-schema-1.json"


def test_a_record_of_schema_1_is_read() -> None:
    """``run-schema-1.json`` was written by the version that had schema 1."""
    record = read(GOLDEN)
    assert record.schema_version == SCHEMA_VERSION
    assert record.aborted is None
    assert [(each.text, each.held, each.measured) for each in record.expectations] == [
        ("answered == 100%", True, 10),
        ("rate_limited == 0", True, 0),
    ]
    assert metrics_of("media-offer") <= record.metrics.keys()
    assert len(record.call_setup_times) == record.totals.calls_answered
    assert record.target.policy is not None
    assert record.target.policy["max_early_retries"] == 3
    assert record.target.policy["retry_after"] == {"form": "seconds", "advice": "own-slot"}


def test_a_record_of_schema_2_is_read_with_its_old_names() -> None:
    content = json.loads(a_record(expect=["answered == 100%"]).to_json())
    content["schema_version"] = 2
    content["profile"]["expect"] = [{"that": "answered == 100%", "abort": True}]
    content["timeline"][0] = {"second": 0, "planned": 10, "abnormal.lost": 1, "close.1006": 1, "retries.made": 2}
    content["histograms"] = {
        {"call_setup": "call.response", "offer": "offer.response"}.get(name, name): text
        for name, text in content["histograms"].items()
    }
    record = parse(content)
    assert record.profile["expect"] == [{"expect": "answered == 100%", "abort": True}]
    assert record.timeline[0].counts == {"abnormal_closes.lost": 1, "closes.1006": 1, "retries": 2}
    assert {"call_setup", "offer"} <= record.histograms.keys()
    assert len(record.call_setup_times) == 10


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("outcome.offer.ok", "outcomes.offer.ok"),
        ("close.1006", "closes.1006"),
        ("abnormal.reset", "abnormal_closes.reset"),
        ("retries.made", "retries"),
        ("retries.too_early", "retries.too_early"),
        ("reconnects.made", "reconnects"),
        ("pings", "pings_answered"),
        ("inbound.answered", "inbound_calls_answered"),
        ("attempts.close", "attempts.close"),
    ],
)
def test_counters_of_an_older_journal_get_their_current_names(old: str, new: str) -> None:
    tally = Tally()
    tally.count(old, 1.5)
    renamed = Tally.from_plain(tally_in_current_names(tally.to_plain()))
    assert renamed.counts == {new: 1}
    assert renamed.timeline == {1: {new: 1}}
    assert renamed.last_s == {new: 1.5}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("call.response", "call_setup"),
        ("call.service", "call_setup.service"),
        ("offer.response", "offer"),
        ("offer.service", "offer.service"),
        ("start_lag", "start_lag"),
    ],
)
def test_histograms_of_an_older_journal_get_their_current_names(old: str, new: str) -> None:
    plain: dict[str, Any] = Tally().to_plain() | {"latencies": {old: [100, 1]}}
    assert list(Tally.from_plain(tally_in_current_names(plain)).latencies) == [new]
