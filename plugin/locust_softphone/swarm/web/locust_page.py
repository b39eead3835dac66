"""Locust's own pages, so that they show softphones too and mislead nobody.

the form      offers the profiles that there are now; an empty host is no mistake
a tab         "Softphone", a table of figures at Locust's own pace of 2 s
every page    a script of ours adds a line with what is going on and the way to our pages
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from flask import Response
from locust.web import WebUI

__all__ = ["INDEX", "REQUESTS", "STOP", "SWARM", "add_figures", "add_script", "change_form"]

INDEX, REQUESTS, STOP, SWARM = "locust.index", "locust.request_stats", "locust.stop", "locust.swarm"
"""Flask's names for what Locust serves."""

_TAB = "softphone"
# No column is called "name": Locust would sort the rows by it.
_COLUMNS = [{"key": name, "title": name.capitalize()} for name in ("figure", "number", "detail")]
_HEAD_ENDS = "</head>"
_HELP = "decides users and ramp"  # as long as a phone has room for


def change_form(web_ui: WebUI, chosen: Callable[[], str], offered: Callable[[], list[str]]) -> None:
    """Add our tab, and correct what Locust tells its form each time that the page is asked for.

    Args:
        web_ui: Locust's.
        chosen: the profile that would be run.
        offered: the profiles to choose from.
    """
    web_ui.template_args["extended_tabs"] = [{"title": "Softphone", "key": _TAB}]
    web_ui.template_args["extended_tables"] = [{"key": _TAB, "structure": _COLUMNS}]
    locusts_own: Callable[[], None] = web_ui.update_template_args

    def update_template_args() -> None:
        locusts_own()
        web_ui.template_args["missing_host_warning"] = False  # without one there is the simulated edge
        option = web_ui.template_args["extra_options"]["softphone_profile"]
        option.update(default_value=chosen(), choices=offered(), help_text=_HELP)

    setattr(web_ui, "update_template_args", update_template_args)  # noqa: B010 - mypy knows it for a method


def add_script(response: Response, url: str) -> None:
    """Add our script to Locust's page."""
    page = response.get_data(as_text=True)
    response.set_data(page.replace(_HEAD_ENDS, f'<script src="{url}" defer></script>{_HEAD_ENDS}', 1))


def add_figures(response: Response, figures: Mapping[str, Any] | None) -> None:
    """Add the figures of a run to what Locust's page asks for every 2 s."""
    report = json.loads(response.get_data())
    rows = list(_rows(figures)) if figures else []
    report["extended_stats"] = [{"key": _TAB, "data": rows}]
    response.set_data(json.dumps(report))


def _rows(figures: Mapping[str, Any]) -> Iterator[dict[str, object]]:
    def row(name: str, number: object, detail: object = "") -> dict[str, object]:
        return {"figure": name, "number": number, "detail": detail}

    totals, retries, lag = figures["totals"], figures["retries"], figures["start_lag_s"]
    yield row("profile", figures["profile"], f"{figures['clock_s']:.0f} s of {figures['duration_s']:g} s")
    yield row("planned by now", totals["due"], f"of {totals['planned']}")
    for name in ("started", "connected", "answered", "gave_up"):
        yield row(name.replace("_", " "), totals[name])
    for step, number in figures["rate_limited"].items():
        yield row("429", number, step)
    for code, number in figures["closes"].items():
        yield row("closes", number, code)
    for cause, number in figures["abnormal_closes"].items():
        yield row("abnormal closes", number, cause.replace("_", " "))
    yield row("retries", retries["made"], f"{retries['honoured']} honoured, {retries['too_early']} too early")
    if lag["count"]:
        yield row("start lag p99", f"{lag['p99'] * 1000:.1f} ms", f"p50 {lag['p50'] * 1000:.1f} ms")
    yield row("generator", "saturated" if figures["saturation"] else "on time", figures["saturation"] or "")
    if figures["verdict"]:
        yield row("verdict", figures["verdict"], "; ".join(figures["remarks"]))
