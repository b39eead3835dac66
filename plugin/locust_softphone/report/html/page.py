"""HTML from templates: a comparison as a whole page, and a run as a section of another page such as Locust's report.

Records can come from anywhere, so they are not trusted: Jinja escapes every text, the data of the charts is JSON
without a character that could end its element, and a Content-Security-Policy allows only our two scripts, by their
hashes, and no loading of anything.
"""

from __future__ import annotations

import base64
import hashlib
import os
from contextlib import suppress
from functools import cache
from importlib.resources import files
from pathlib import Path

import yaml
from jinja2 import Environment, PackageLoader, StrictUndefined

from locust_softphone.errors import InputError
from locust_softphone.report.comparison import Comparison
from locust_softphone.report.html.panels import sections
from locust_softphone.report.html.series import charts
from locust_softphone.report.judgement import MARKS, judgement_of, measured
from locust_softphone.report.palette import css
from locust_softphone.report.plotly_script import PLOTLY_FILE
from locust_softphone.report.run_sections import Section, failures, sections_of
from locust_softphone.report.values import overridden
from locust_softphone.runs.record import RunRecord
from locust_softphone.text import duration

__all__ = ["comparison_html", "html_section", "write_html"]

_SHOWN_OTHERWISE = ("expected", "remarks", "ledger", "plan", "run")

MOST_RUNS_AT_FIRST = 8
"""Of more runs than these, only the charts of each arm's first run are shown at first."""


def comparison_html(comparison: Comparison, back: str = "") -> str:
    """A comparison as a whole HTML document; ``back`` is the address of the page that it was asked for on, if any."""
    runs, series = comparison.runs, charts(comparison.runs)
    plotly, script = PLOTLY_FILE.read_text(encoding="utf-8"), _own("charts.js")
    few = len(runs) <= MOST_RUNS_AT_FIRST
    page = _environment().get_template("page.html")
    html = page.render(
        comparison=comparison,
        back=back,
        policy=_policy(plotly, script),
        style=_own("page.css") + css(),
        plotly=plotly,
        script=script,
        marks=MARKS,
        shown=[few or n == 0 or run.arm != runs[n - 1].arm for n, run in enumerate(runs)],
        series=series,
        sections=sections(runs, series),
    )
    return html.encode("utf-8", "replace").decode()  # JSON may hold half a surrogate pair, a file may not


def html_section(record: RunRecord) -> str:
    """A run's outcome, expectations and steps, in the colours of the page that the section is put into."""
    template = _environment().get_template("locust_section.html")
    return template.render(record=record, marks=MARKS, failures=list(failures(record)))


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


@cache
def _environment() -> Environment:
    found = Environment(
        loader=PackageLoader("locust_softphone.report.html", ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters |= {
        "failures": failures,
        "judgement": judgement_of,
        "measured": measured,
        "overridden": overridden,
        "seconds": _seconds,
        "sections": _sections,
        "yaml": _yaml,
    }
    return found


def _sections(record: RunRecord) -> list[Section]:
    """The sections that the page does not show in its own way."""
    return [section for section in sections_of(record, details=True) if section.title not in _SHOWN_OTHERWISE]


def _yaml(value: object) -> str:
    return yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=100).rstrip()


def _seconds(value: float | None) -> str:
    return "-" if value is None else duration(value)


@cache
def _own(name: str) -> str:
    return files("locust_softphone.report.html").joinpath(name).read_text(encoding="utf-8")


def _policy(*scripts: str) -> str:
    """The page's Content-Security-Policy. Plotly adds styles of its own, and saves pictures as data URLs."""
    hashes = " ".join(f"'sha256-{base64.b64encode(hashlib.sha256(s.encode()).digest()).decode()}'" for s in scripts)
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )
