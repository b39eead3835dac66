"""Additions to Locust's own pages.

the form      lists the profiles that exist now; an empty host is allowed
a tab         "Softphone", a table of metrics that Locust's page asks for every 2 s
every page    our script adds a line with the state of the run and a link to our pages
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from flask import Response
from locust.web import WebUI

from locust_softphone.text import duration

__all__ = ["INDEX", "REQUESTS", "RESET", "STOP", "SWARM", "add_metrics", "add_script", "change_form"]

INDEX, REQUESTS, STOP, SWARM = "locust.index", "locust.request_stats", "locust.stop", "locust.swarm"
RESET = "locust.reset_stats"
"""Flask's names of Locust's routes."""

_TAB = "softphone"
# No column is called "name": Locust would sort the rows by it.
_COLUMNS = [{"key": name, "title": name.capitalize()} for name in ("metric", "value", "detail")]
_HEAD_ENDS = "</head>"
_HELP = "decides users and ramp"  # no longer than fits a phone's screen


def change_form(web_ui: WebUI, chosen: Callable[[], str], offered: Callable[[], list[str]]) -> None:
    """Add our tab, and correct the form's data each time that the page is requested.

    Args:
        web_ui: Locust's.
        chosen: returns the profile that is chosen now.
        offered: returns the profiles to choose from.
    """
    web_ui.template_args["extended_tabs"] = [{"title": "Softphone", "key": _TAB}]
    web_ui.template_args["extended_tables"] = [{"key": _TAB, "structure": _COLUMNS}]
    original: Callable[[], None] = web_ui.update_template_args

    def update_template_args() -> None:
        original()
        web_ui.template_args["missing_host_warning"] = False  # an empty host starts a simulated edge
        option = web_ui.template_args["extra_options"]["softphone_profile"]
        option.update(default_value=chosen(), choices=offered(), help_text=_HELP)

    setattr(web_ui, "update_template_args", update_template_args)  # noqa: B010 - to mypy it is a method


def add_script(response: Response, url: str) -> None:
    """Add our script to Locust's page."""
    page = response.get_data(as_text=True)
    response.set_data(page.replace(_HEAD_ENDS, f'<script src="{url}" defer></script>{_HEAD_ENDS}', 1))


def add_metrics(response: Response, metrics: Mapping[str, Any] | None, *, preparing: bool) -> None:
    """Add the metrics of a run to the response that Locust's page asks for every 2 s.

    While a run is being prepared, Locust's state is still "ready": its page would show the form again, and ask no more.
    """
    report = json.loads(response.get_data())
    if preparing:
        report["state"] = "spawning"
    rows = list(_rows(metrics)) if metrics else []
    report["extended_stats"] = [{"key": _TAB, "data": rows}]
    response.set_data(json.dumps(report))


def _rows(metrics: Mapping[str, Any]) -> Iterator[dict[str, object]]:
    def row(name: str, value: object, detail: object = "") -> dict[str, object]:
        return {"metric": name, "value": value, "detail": detail}

    totals, retries, lag = metrics["totals"], metrics["retries"], metrics["start_lag_s"]
    yield row("profile", metrics["profile"], f"{metrics['clock_s']:.0f} s of {metrics['duration_s']:g} s")
    yield row("planned by now", totals["due"], f"of {totals['planned']}")
    for name in ("started", "connected", "answered", "gave_up"):
        yield row(name.replace("_", " "), totals[name])
    for step, number in metrics["rate_limited"].items():
        yield row("429", number, step)
    for code, number in metrics["closes"].items():
        yield row("closes", number, code)
    for cause, number in metrics["abnormal_closes"].items():
        yield row("abnormal closes", number, cause.replace("_", " "))
    yield row("retries", retries["made"], f"{retries['honoured']} honoured, {retries['too_early']} too early")
    if lag["count"]:
        yield row("start lag p99", duration(lag["p99"]), f"p50 {duration(lag['p50'])}")
    yield row("generator", "saturated" if metrics["saturation"] else "on time", metrics["saturation"] or "")
    if metrics["verdict"]:
        yield row("verdict", metrics["verdict"], "; ".join(metrics["remarks"]))
