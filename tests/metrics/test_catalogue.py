"""The catalogue: which metrics there are, of what kind, in which dialect, and how they are worked out."""

from __future__ import annotations

import re

import pytest

from locust_softphone.metrics.attempt import Attempt
from locust_softphone.metrics.catalogue import KINDS, METRICS, PATTERN, Kind, kind_of, metrics_of, values_of
from locust_softphone.metrics.outcome import Outcome
from locust_softphone.metrics.run_so_far import RunSoFar
from locust_softphone.metrics.steps import DIALECTS
from locust_softphone.metrics.tally import Tally


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("answered", "softphones"),
        ("rate_limited.offer", "count"),
        ("abnormal_closes.reset", "count"),
        ("closes", "count"),
        ("closes.1006", "count"),
        ("closes.4401", "count"),
        ("outcomes.handshake.timed_out", "count"),
        ("reconnects.failed", "count"),
        ("pings_answered", "count"),
        ("amplification", "ratio"),
        ("call_setup.p95", "seconds"),
        ("offer.service.p99_9", "seconds"),
        ("identity.max", "seconds"),
        ("loop_lag.p99", "seconds"),
        ("closes.99", None),
        ("closes.10066", None),
        ("rate_limited.close", None),
        ("offer", None),
        ("", None),
    ],
)
def test_the_kind_of_a_metric(name: str, kind: Kind | None) -> None:
    assert kind_of(name) == kind
    assert bool(re.fullmatch(PATTERN, name)) is (kind is not None)


def test_the_pattern_matches_every_metric() -> None:
    assert [name for name in KINDS if not re.fullmatch(PATTERN, name)] == []


def test_every_name_belongs_to_one_row_only() -> None:
    names = [name for dialect in DIALECTS for metric in METRICS for name in metric.names(dialect)]
    assert len(names) == sum(len(metrics_of(dialect)) for dialect in DIALECTS)


def test_a_dialect_has_the_metrics_of_its_own_steps() -> None:
    assert "identity.p95" not in metrics_of("media-offer")
    assert "identity.p95" in metrics_of("genesys-cloud")
    assert set().union(*map(metrics_of, DIALECTS)) == KINDS.keys()


def test_values_are_worked_out_from_a_tally() -> None:
    tally = Tally()
    for outcome in (Outcome.OK, Outcome.RATE_LIMITED, Outcome.RATE_LIMITED):
        tally.attempt(Attempt("offer", 0.0, 0.0, 0.5, outcome))
    tally.count("started", 0.0, 2)
    tally.count("connected", 1.5, 2)
    tally.count("answered", 2.0)
    tally.count("closes.1006", 3.0)
    values = values_of(RunSoFar([tally], "media-offer", planned=2, calls_each=3, until_s=4.0)).all()
    expected = {
        "planned": 2,
        "calls.planned": 6,
        "attempts": 3,
        "attempts.offer": 3,
        "rate_limited": 2,
        "rate_limited.offer": 2,
        "rate_limited.token": 0,
        "amplification": 1.5,
        "unfinished": 1,
        "closes": 1,
        "closes.1006": 1,
        "time_to_connected": 1.5,
        "call_setup.p95": None,
    }
    assert {name: values[name] for name in expected} == expected
    assert values["offer.p95"] == pytest.approx(0.5, rel=1e-3)
    assert values.keys() == metrics_of("media-offer") | {"closes.1006"}
