"""How values are written: counts, ratios, and estimates with their intervals."""

from __future__ import annotations

import pytest

from locust_softphone.report.statistics import Estimate
from locust_softphone.report.values import estimated, number


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (500, "500"), (3.0, "3.00"), (1.906, "1.91"), (None, "-")],
)
def test_a_count_or_ratio(value: float | None, text: str) -> None:
    assert number(value) == text


@pytest.mark.parametrize(
    ("metric", "estimate", "text"),
    [
        ("answered", Estimate(0.014), "1.4%"),  # a single run has no interval
        ("answered", Estimate(0.014, 0.006, 0.035), "1.4% (0.6–3.5%)"),
        ("rate_limited", Estimate(0.0, 0.0, 0.0), "0"),  # all runs alike
        ("rate_limited", Estimate(12.34, 9.876, 1000.4), "12.3 (9.88–1000)"),
        ("amplification", Estimate(3.0, 2.5, 3.5), "3.00 (2.50–3.50)"),
        ("call_setup.p95", Estimate(1.05, 0.95, 1.15), "1.05 s (950 ms–1.15 s)"),
        ("call_setup.p95", Estimate(300.0, 290.0, 310.0), "5 min 0 s (4 min 50 s–5 min 10 s)"),
        ("call_setup.p95", None, "-"),
    ],
)
def test_an_estimate_with_its_interval(metric: str, estimate: Estimate | None, text: str) -> None:
    assert estimated(metric, estimate) == text
