"""A run as a section of another page, such as Locust's report: its verdict, its steps, its expectations.

It takes its colours from the page that it is put into, light or dark.
"""

from __future__ import annotations

from locust_softphone.report.html.page import environment
from locust_softphone.runs.record import RunRecord

__all__ = ["html_section"]


def html_section(record: RunRecord) -> str:
    """The section for a run's record."""
    held = {True: "yes", False: "no", None: "not decided"}
    return environment().get_template("locust_section.html").render(record=record, held=held)
