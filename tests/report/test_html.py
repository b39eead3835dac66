"""The page: it shows what the records contain, needs no other file, and runs nothing from a record."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from locust_softphone.errors import InputError
from locust_softphone.report.comparison import compare_runs
from locust_softphone.report.html.page import comparison_html, write_html
from locust_softphone.runs.record import RunRecord
from locust_softphone.runs.storage import read, write
from tests.accessibility.axe import violations
from tests.browser import Browser, running_browser
from tests.runs.records import a_record, changed, replaced

BURST: dict[str, Any] = {"users": 100, "softphone": {"like": "sdk-2.1.0", "retry": {"max_retries": 0}}}
CHARTS = ("attempts", "presence", "closes", "setup", "retries")


def a_burst_and_its_remedy() -> list[RunRecord]:
    return [
        a_record("burst", answered=20, limited={"token": 50, "offer": 30}, abnormal={"lost": 4}, too_early=3, **BURST),
        a_record("paced", **{**BURST, "ramp": {"rate": "50/s"}}),
    ]


class Page(HTMLParser):
    """A page as a browser takes it apart: its text, its scripts, the attributes that load something."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.text = ""
        self.scripts: list[str] = []
        self.loaded: list[str] = []
        self.tags: set[str] = set()
        self._in = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._in = tag
        self.tags.add(tag)
        self.loaded += [value or "" for name, value in attrs if name in ("src", "href", "data", "srcset", "action")]
        if tag == "script":
            self.scripts.append("")

    def handle_endtag(self, tag: str) -> None:
        self._in = ""
        self.text += " "

    def handle_data(self, data: str) -> None:
        if self._in == "script":
            self.scripts[-1] += data
        elif self._in != "style":
            self.text += data

    @property
    def words(self) -> str:
        return " ".join(self.text.replace("\N{SOFT HYPHEN}", "").split())

    @property
    def series(self) -> dict[str, Any]:
        data: dict[str, Any] = json.loads(self.scripts[0])
        return data


def html_of(*records: RunRecord) -> str:
    return comparison_html(compare_runs(records))


def page_of(*records: RunRecord) -> Page:
    return Page(html_of(*records))


def older(content: Any) -> None:
    """Make it a record as an early version wrote it, with nothing but counters in each second."""
    del content["retries"]["sample"]
    for second in content["timeline"]:
        for name in ("connected_now", "in_call_now", "call_setup"):
            second.pop(name, None)


# What it shows


def test_the_headline_comes_before_the_table_of_runs() -> None:
    records = a_burst_and_its_remedy()
    page = page_of(*records)
    headline = page.words.index("Pacing the starts at 50/s: 100 of 100 answered instead of 20.")
    for row in compare_runs(records).tables[0].rows:
        at = page.words.index(f"{row.label} {row.cells[0].text}")
        assert headline < at
        for cell in row.cells:
            at = page.words.index(cell.text, at)


def test_each_run_has_its_profile_versions_target_ledger_and_validity() -> None:
    valid, invalid = (
        a_record("first", url="https://edge.example", simulated=False, expect=["answered == 100%"]),
        a_record("second", invalid=["only 3 of 10 planned softphones started"], policy={"patience": 7}),
    )
    words = page_of(valid, invalid).words
    for text in (
        "https://edge.example",
        "name: first",
        "locust: 2.47.0",
        "this edge publishes no counters",
        "the measurements can be trusted",
        "✓ answered == 100% : 100% (10 of 10)",
        "only 3 of 10 planned softphones started",
        "patience: 7",
        "It balances",
        "token 10 10 0 0 0",
    ):
        assert text in words


def test_expectations_are_shown_with_what_was_measured_and_which_were_not_decided() -> None:
    expect = ["answered == 100%", "rate_limited == 0", "started > 3"]
    record = a_record("cut", answered=4, gave_up=0, limited={"offer": 1}, expect=expect, aborted_by=expect[1])
    words = page_of(record).words
    assert "? answered == 100% : 40% (4 of 10), not decided" in words
    assert "✗ rate_limited == 0 : 1 ✓ started > 3 : 10 1 of 3 expectations failed" in words
    assert "aborted after 1.50 s: rate_limited == 0 could no longer hold" in words


def test_the_charts_have_every_second_of_every_run() -> None:
    burst, paced = page_of(*a_burst_and_its_remedy()).series["runs"]
    assert burst["attempts"]["token"][0] == 70
    assert burst["limited"] == {"token": [50, *[0] * 10], "offer": [30, *[0] * 10]}
    assert burst["closes"] == {"lost": [4, *[0] * 10]}
    assert burst["presence"]["planned"] == [100] * 11
    assert burst["presence"]["in_call"] == [0, *[20] * 9, 0]
    assert burst["setup"]["p95"][:2] == [pytest.approx(0.2, rel=0.02), None]
    assert burst["retries"] == {"deadline_s": [3.0, 3.001, 3.002], "retried_s": [0.5] * 3, "too_early": [1, 1, 1]}
    assert paced["closes"] == {}


def test_warnings_come_before_the_table_of_runs() -> None:
    words = page_of(a_record("a"), a_record("b", versions={"locust": "2.48.0"}, ramp="5s")).words
    (warning,) = re.findall(r"Warning: the runs differ in more than their profiles", words)
    assert words.index(warning) < words.index("planned connected answered")


def test_the_page_of_a_single_run() -> None:
    page = page_of(a_record("burst", **BURST))
    assert "burst: 100 of 100 answered" in page.words
    assert "best" not in page.words.replace("best and worst of a column", "").replace("can be the best", "")


def test_of_many_runs_the_charts_of_each_arms_first_run_are_shown_at_first() -> None:
    html = html_of(*(a_record(name, ramp=ramp) for name, ramp in (("a", "0s"), ("b", "9s")) for _ in range(5)))
    assert html.count('<figure data-run="') == 10 * len(CHARTS)
    assert re.findall(r'<input type="checkbox" data-run="(\d+)" checked', html) == ["0", "5"]


def test_a_record_of_an_older_version_is_shown_without_what_it_lacks() -> None:
    page = page_of(changed(a_record("old", too_early=2, **BURST), older))
    assert page.series["runs"][0]["presence"]["in_call"] == [0, *[100] * 10]
    assert page.series["runs"][0]["setup"] == {}
    assert page.words.count("an older record") == 3


def test_a_long_run_has_several_seconds_per_point() -> None:
    timeline = [
        {
            "second": second,
            "planned": 0,
            "attempts.offer": 2,
            "connected_now": second,
            "call_setup": {"count": 1, "p50": second, "p95": second, "p99": second},
        }
        for second in range(3600)
    ]
    series = page_of(replaced(a_record("long", **BURST), timeline=timeline)).series
    (run,) = series["runs"]
    assert series["width_s"] == 10
    assert run["attempts"]["offer"] == [20] * 360
    assert run["presence"]["connected"] == list(range(9, 3600, 10))  # at the end of the ten seconds
    assert run["setup"]["p50"] == list(range(9, 3600, 10))  # the slowest of the ten seconds


# What must not happen

NASTY = "<script>alert(1)</script><img src=x onerror=alert(2)>&amp;'\"</title></script><!--"


def nasty_records() -> list[RunRecord]:
    """Records with markup in every text that does not come from the package."""

    def nasty(record: Any) -> None:
        record["profile"] |= {"name": NASTY, "about": NASTY, "ramp": record["profile"]["ramp"]}
        record["run_id"] = record["target"]["url"] = record["times"]["planned_start"] = NASTY
        record["versions"]["locust"] = NASTY
        record["validity"]["reasons"] = [NASTY]
        record["closes"] = {NASTY: 1}
        row = record["ledger"]["rows"][0]
        record["ledger"] = {"balanced": False, "rows": [{**row, "step": NASTY}], "problems": [NASTY]}
        record["timeline"][0] |= {f"attempts.{NASTY}": 1, f"rate_limited.{NASTY}": 1, f"abnormal_closes.{NASTY}": 1}
        record["retries"]["sample"] = [{"step": NASTY, "deadline_s": 3.0, "retried_s": 1.0}]

    return [changed(record, nasty) for record in a_burst_and_its_remedy()]


def test_nothing_in_a_record_becomes_markup() -> None:
    harmless, nasty = page_of(*a_burst_and_its_remedy()), page_of(*nasty_records())
    assert nasty.tags <= harmless.tags
    assert len(nasty.scripts) == len(harmless.scripts) == 3
    assert nasty.scripts[1:] == harmless.scripts[1:]
    assert NASTY in nasty.text
    assert NASTY in nasty.series["runs"][0]["attempts"]


def test_half_a_surrogate_pair_can_be_written(tmp_path: Path) -> None:
    name = json.loads('"\\ud800"')
    record = changed(a_record("burst"), lambda content: content["profile"].update(name=name))
    write_html(html_of(record), tmp_path / "page.html")
    assert "\ufffd" in (tmp_path / "page.html").read_text(encoding="utf-8").replace("?", "\ufffd")


def test_nothing_is_loaded_from_anywhere() -> None:
    page = page_of(*a_burst_and_its_remedy())
    assert [each for each in page.loaded if not each.startswith("#run-")] == []
    assert "link" not in page.tags
    assert "@import" not in html_of(a_record()).split("</style>")[0]


def test_the_page_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nowhere/page\.html: the report cannot be written \(No such file"):
        write_html("<p>", tmp_path / "nowhere" / "page.html")
    write_html("<p>", tmp_path / "page.html")
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]


# In a browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with running_browser() as running:
        yield running


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (390, True)])
def test_a_browser_draws_every_chart_without_errors(browser: Browser, tmp_path: Path, width: int, dark: bool) -> None:
    """From records that were written and read back; a broken Content-Security-Policy would show on the console."""
    file = tmp_path / "comparison.html"
    records = [read(write(record, tmp_path / str(n))) for n, record in enumerate(a_burst_and_its_remedy())]
    write_html(html_of(*records), file)
    with browser.page(width=width, dark=dark) as page:
        page.goto(file.as_uri())
        page.locator("html[data-drawn=all]").wait_for(state="attached")
        for chart in CHARTS:
            drawn = page.locator(f".plot[data-chart={chart}]")
            assert drawn.count() == (1 if chart in ("closes", "retries") else 2)
            assert drawn.locator("path.js-line, path.js-fill, path.point").count() > 0, chart
        assert page.evaluate("document.documentElement.scrollWidth") == width
        page.locator("input[data-run='0']").uncheck()
        assert page.locator("figure:visible").count() == len(CHARTS)


@pytest.mark.parametrize("dark", [False, True])
def test_the_page_is_accessible(browser: Browser, tmp_path: Path, dark: bool) -> None:
    write_html(html_of(*a_burst_and_its_remedy()), tmp_path / "comparison.html")
    with browser.page(dark=dark) as page:
        page.goto((tmp_path / "comparison.html").as_uri())
        page.locator("html[data-drawn=all]").wait_for(state="attached")
        for details in page.locator("summary").all():
            details.click()
        assert violations(page) == []


@pytest.mark.parametrize("width", [1024, 1280, 390])
def test_intervals_of_repeated_runs_fit_a_browser_window(browser: Browser, tmp_path: Path, width: int) -> None:
    runs = [{"answered": answered, "connected_after_s": answered / 10, **BURST} for answered in (71, 88, 100)]
    records = [a_record(name, **run) for run in runs for name in ("burst", "burst-with-a-long-name")]
    write_html(html_of(*records), tmp_path / "comparison.html")
    with browser.page(width=width) as page:
        page.goto((tmp_path / "comparison.html").as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") == width


def test_a_browser_runs_nothing_from_a_record(browser: Browser, tmp_path: Path) -> None:
    file = tmp_path / "comparison.html"
    write_html(html_of(*nasty_records()), file)
    with browser.page() as page:
        page.on("dialog", lambda dialog: pytest.fail(f"a script ran: {dialog.message}"))
        page.goto(file.as_uri())
        page.locator("html[data-drawn=all]").wait_for(state="attached")
        assert page.locator("img").count() == 0
        page.locator(".plot").first.hover()
