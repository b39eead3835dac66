"""docs/metrics.md is up to date, and the expectations in docs/results.md are valid."""

from __future__ import annotations

import re

import yaml

from locust_softphone.config.expectation import Expectation
from locust_softphone.metrics.catalogue import METRICS
from locust_softphone.metrics.reference import REFERENCE_PATH, reference


def test_the_page_is_up_to_date() -> None:
    assert REFERENCE_PATH.read_text(encoding="utf-8") == reference(), (
        "write it anew with: python -m locust_softphone.metrics.reference"
    )


def test_every_metric_is_described() -> None:
    for metric in METRICS:
        assert metric.about, metric.name
        assert metric.how, metric.name
        assert metric.range.__doc__, metric.name
        assert bool(metric.record) == (metric.of is None), f"{metric.name} is read from a record or worked out"


def test_the_expectations_in_the_documentation_are_right() -> None:
    text = (REFERENCE_PATH.with_name("results.md")).read_text(encoding="utf-8")
    (block,) = re.findall(r"(?s)```yaml\nexpect:\n(.*?)```", text)
    entries = [Expectation.read(yaml.safe_load(line.strip().removeprefix("- "))) for line in block.splitlines()]
    assert [each.abort for each in entries] == [False, False, False, False, True]
