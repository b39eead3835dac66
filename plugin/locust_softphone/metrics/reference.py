"""docs/metrics.md, generated from the catalogue.

python -m locust_softphone.metrics.reference        writes it anew
"""

from __future__ import annotations

from pathlib import Path

from locust_softphone.metrics.catalogue import METRICS, Metric

__all__ = ["REFERENCE_PATH", "reference"]

REFERENCE_PATH = Path(__file__).parents[3] / "docs" / "metrics.md"

_UNITS = {"softphones": "softphones", "count": "", "ratio": "", "seconds": "s"}
_HEAD = """\
# Metrics

Every metric has one name: in an expectation (`expect:`), in the timeline and the histograms of a run record, in reports
and in the web UI. This page is generated from `metrics/catalogue.py`
(`python -m locust_softphone.metrics.reference`).

Parts in braces: `{step}` is a step of the dialect (docs/results.md), `{request}` one that is a request to the edge,
`{outcome}` and `{cause}` as in docs/results.md, `{code}` a close code, `{point}` one of p50, p90, p95, p99, p99_9 and
max. A duration runs from the planned start, with `.service` from the actual start.

An expectation with `abort: true` ends the run as soon as no value that its metric can still have would meet it: see
"while the run goes on".

| metric | kind | meaning | how it is measured | while the run goes on | in the run record |
|---|---|---|---|---|---|
"""


def reference() -> str:
    """The page as Markdown."""
    return _HEAD + "".join(map(_row, METRICS))


def _row(metric: Metric) -> str:
    unit = f", {_UNITS[metric.kind]}" if metric.kind == "seconds" else ""
    record = f"`{metric.record.replace('/', '.')}`" if metric.record else "worked out"
    cells = (f"`{metric.name}`", metric.kind + unit, metric.about, metric.how, metric.range.__doc__, record)
    return f"| {' | '.join(map(str, cells))} |\n"


if __name__ == "__main__":
    REFERENCE_PATH.write_text(reference(), encoding="utf-8")
