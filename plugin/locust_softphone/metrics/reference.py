"""docs/metrics.md, generated from the catalogue.

python -m locust_softphone.metrics.reference        writes it anew
"""

from __future__ import annotations

from pathlib import Path

from locust_softphone.metrics.catalogue import METRICS, PARTS, Metric
from locust_softphone.metrics.steps import DEFAULT_DIALECT, DIALECTS

__all__ = ["REFERENCE_PATH", "reference"]

REFERENCE_PATH = Path(__file__).parents[3] / "docs" / "metrics.md"

_HEAD = """\
# Metrics

Every metric has one name: in expectations (`expect:`), in the timeline and the histograms of a run record, in reports
and in the web UI. This page is generated from `metrics/catalogue.py` (`python -m locust_softphone.metrics.reference`).

Parts of names in braces stand for:

"""
_TABLE = """
Softphones can be compared with a number or with a share of the planned ones. Seconds run from the planned start, with
`.service` from the actual start. An expectation with `abort: true` ends the run as soon as no value that its metric can
still have would meet it; the values that it can have are in the column "while the run goes on".

| metric | kind | meaning | how it is measured | while the run goes on | in the run record |
|---|---|---|---|---|---|
"""


def reference() -> str:
    """The page as Markdown."""
    return _HEAD + "".join(map(_part, PARTS)) + _TABLE + "".join(map(_row, METRICS))


def _part(part: str) -> str:
    by_dialect = {dialect: ", ".join(PARTS[part](dialect)) for dialect in DIALECTS}
    if len(set(by_dialect.values())) == 1:
        return f"- `{{{part}}}`: {by_dialect[DEFAULT_DIALECT] or 'a close code from 1000 to 4999'}\n"
    return f"- `{{{part}}}`: {'; '.join(f'{values} ({dialect})' for dialect, values in by_dialect.items())}\n"


def _row(metric: Metric) -> str:
    record = f"`{metric.record.replace('/', '.')}`" if metric.record else "worked out"
    cells = (f"`{metric.name}`", metric.kind, metric.about, metric.how, metric.range.__doc__, record)
    return f"| {' | '.join(map(str, cells))} |\n"


if __name__ == "__main__":
    REFERENCE_PATH.write_text(reference(), encoding="utf-8")
