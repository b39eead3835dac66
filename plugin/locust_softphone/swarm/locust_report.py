"""Adds our section to Locust's own HTML report: to the file of ``--html``, and to the web UI's download.

Locust 2.47.0 has no hook for this. It writes the file before ``quitting``, so the section is added to the file then; in
the web UI it is added to the response. It can go when Locust's report template accepts sections of plugins.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from flask import Response, request
from locust.env import Environment

from locust_softphone.report.html.page import html_section
from locust_softphone.runs.record import RunRecord

__all__ = ["add_to_file", "add_to_web_ui"]


_END = "</body>"
_PATH = "/stats/report"


def add_to_file(environment: Environment, record: RunRecord | None) -> None:
    """Add the section to the file that ``--html`` names, if any."""
    name = getattr(environment.parsed_options, "html_file", None)
    if not name or record is None:
        return
    path = Path(name)
    with suppress(OSError):  # Locust could not write it either, and has logged it
        path.write_text(_with_section(path.read_text(encoding="utf-8"), record), encoding="utf-8")


def add_to_web_ui(environment: Environment, last_record: Callable[[], RunRecord | None]) -> None:
    """Add the section of the last run to each report that the web UI serves."""
    if environment.web_ui is None or environment.web_ui.app is None:
        return

    def add(response: Response) -> Response:
        record = last_record()
        if record is not None and request.path.endswith(_PATH) and response.status_code == 200:
            response.set_data(_with_section(response.get_data(as_text=True), record))
        return response

    environment.web_ui.app.after_request(add)


def _with_section(page: str, record: RunRecord) -> str:
    """The page with our section at its end."""
    before, end, after = page.rpartition(_END)
    return f"{before}{html_section(record)}{end}{after}" if end else page
