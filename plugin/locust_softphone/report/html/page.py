"""The page: everything that there is to say of some runs, put into the template.

Records come from anywhere, so nothing in them is trusted: Jinja escapes every text, the data of the charts is JSON
without a character that could end its element, and a Content-Security-Policy lets no script run but the two of ours,
which it knows by their hashes, and nothing be loaded at all.
"""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from locust_softphone.errors import InputError
from locust_softphone.report.cautions import cautions
from locust_softphone.report.comparison import Run, arms_of, run_of, side_by_side
from locust_softphone.report.findings import findings, headline
from locust_softphone.report.html.details import details_of
from locust_softphone.report.html.panels import sections
from locust_softphone.report.html.series import charts
from locust_softphone.report.marks import marks
from locust_softphone.report.tables import LEGEND, tables

__all__ = ["comparison_html", "write_html"]

MOST_RUNS_AT_FIRST = 8
"""Charts of more runs than these are shown when they are asked for; at first those of each plan's first run are."""


def comparison_html(records: Sequence[Mapping[str, Any]]) -> str:
    """The comparison of the runs that these records are of, as a whole HTML document.

    Args:
        records: as ``record.read`` returns them, at least one.

    Raises:
        InputError: one of them is not complete.
    """
    runs = side_by_side([run_of(record) for record in records])
    series, warnings = charts(runs), cautions(runs)
    plotly, own = _plotly(), _own("charts.js")
    first, *repeated = tables(runs)
    page = (
        _environment()
        .get_template("page.html")
        .render(
            policy=_policy(plotly, own),
            style=_own("page.css"),
            plotly=plotly,
            script=own,
            headline=headline(runs),
            cautions=warnings,
            findings=[sentence for sentence in findings(runs) if sentence not in warnings],
            remarks=[(run.label, remark) for run in runs for remark in run.remarks],
            table=first,
            marks=marks(runs),
            verdicts=[run.verdict for run in runs],
            legend=LEGEND,
            repeated=repeated,
            runs=runs,
            shown=_shown_at_first(runs),
            series=series,
            sections=sections(runs, series),
            details=[details_of(run) for run in runs],
        )
    )
    return page.encode("utf-8", "replace").decode()  # JSON may hold half a surrogate pair, a file may not


def write_html(html: str, path: Path) -> None:
    """Write the page, whole or not at all.

    Raises:
        InputError: it cannot be written there.
    """
    partial = path.with_name(f"{path.name}.partial")
    try:
        partial.write_text(html, encoding="utf-8")
        os.replace(partial, path)
    except OSError as error:
        with suppress(OSError):
            partial.unlink()
        raise InputError(f"{path}: the report cannot be written ({error.strerror})") from None


def _shown_at_first(runs: Sequence[Run]) -> list[bool]:
    """Whose charts are there without asking."""
    if len(runs) <= MOST_RUNS_AT_FIRST:
        return [True for _ in runs]
    firsts = {arm.runs[0].label for arm in arms_of(runs)}
    return [run.label in firsts for run in runs]


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("locust_softphone.report.html", ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["heading"] = _heading
    return environment


def _heading(text: str) -> str:
    """A table's heading for a browser, which breaks lines by itself."""
    return text.replace("-\n", "\N{SOFT HYPHEN}").replace("\n", " ")


@cache
def _own(name: str) -> str:
    return files("locust_softphone.report.html").joinpath(name).read_text(encoding="utf-8")


def _plotly() -> str:
    from plotly.offline import get_plotlyjs  # takes a while, and only a page needs it

    return str(get_plotlyjs())


def _policy(*scripts: str) -> str:
    """The page's Content-Security-Policy. Plotly brings styles of its own, and makes pictures to save as data URLs."""
    hashes = " ".join(f"'sha256-{base64.b64encode(hashlib.sha256(s.encode()).digest()).decode()}'" for s in scripts)
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )
