"""Locust's ``--otel``: each attempt is a span with its times and its outcome; skipped if it is not installed."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.swarm.locust_process import TINY, run_locust

pytest.importorskip("opentelemetry.sdk", reason="locust[otel] is not installed")

TO_STDOUT = {"OTEL_TRACES_EXPORTER": "console", "OTEL_METRICS_EXPORTER": "console", "OTEL_LOGS_EXPORTER": "none"}
LIMITED = TINY.replace("expect: [answered == 100%]", "softphone: {retry: {max_retries: 0}}")


def objects(text: str) -> list[dict[str, Any]]:
    """The JSON objects among the lines that were printed."""
    found, decoder, at = [], json.JSONDecoder(), 0
    while (at := text.find("\n{", at)) >= 0:
        try:
            value, end = decoder.raw_decode(text[at + 1 :])
        except ValueError:
            end = 1
        else:
            found.append(value)
        at += max(end, 1)
    return found


def test_attempts_are_spans_with_their_outcome(tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text("limits: {offer: {rate: 1/min, burst: 3}}")
    run = run_locust(tmp_path, "--otel", "--softphone-policy", "policy.yaml", profile=LIMITED, environment=TO_STDOUT)
    printed = objects(f"\n{run.stdout}")
    spans = [each for each in printed if "trace_id" in each.get("context", {})]
    expected = Counter(
        (step, outcome, n) for step, of in run.record["steps"].items() for outcome, n in of["outcomes"].items()
    )
    seen = Counter(
        (span["name"], span["attributes"]["softphone.outcome"]) for span in spans if span["name"] != "call setup"
    )
    assert Counter((*what, n) for what, n in seen.items()) == expected
    refused = next(span for span in spans if span["attributes"].get("softphone.outcome") == "rate_limited")
    assert refused["status"] == {"status_code": "ERROR", "description": "rate_limited"}
    assert refused["attributes"]["http.response.status_code"] == 429
    assert refused["attributes"]["error.type"] == "rate_limited"
    assert all(span["start_time"] <= span["end_time"] for span in spans)
    assert {span["parent_id"] for span in spans} == {None}
    assert "softphone.attempts" in run.stdout
