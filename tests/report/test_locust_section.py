"""The section in Locust's report: what it says, and that nothing in a record becomes markup."""

from __future__ import annotations

from html.parser import HTMLParser

from locust_softphone.report.html.page import html_section
from tests.runs.records import a_record


class Text(HTMLParser):
    """The text of a page, and its tags."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.words: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: object) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.words += data.split()

    @property
    def text(self) -> str:
        return " ".join(self.words)


def test_the_section_of_a_run() -> None:
    expect = ["answered == 100%", "rate_limited == 0"]
    record = a_record(answered=4, limited={"offer": 6}, expect=expect, aborted_by=expect[1], invalid=["<b>late</b>"])
    page = Text(html_section(record))
    assert "Softphones: burst 4 of 10 answered, 6 gave up; 6 requests refused with 429" in page.text
    assert "not valid: its measurements cannot be trusted" in page.text
    assert "10 planned, 10 started, 4 connected, 4 answered, 6 gave up, 0 unfinished." in page.text
    assert "Aborted after 1.50 s: rate_limited == 0 could no longer hold." in page.text
    assert "Not valid: <b>late</b>" in page.text
    assert "b" not in page.tags
    assert "offer 10 4 6 0 10.0 ms" in page.text
    assert "✗ rate_limited == 0: 6" in page.text
    assert "offer: 6 of 10 refused with 429" in page.text


def test_the_section_of_a_run_with_nothing_answered_and_no_ledger() -> None:
    page = Text(html_section(a_record(answered=0, simulated=False, url="https://edge.example")))
    assert "Edge: https://edge.example." in page.text
    assert "token 0 0 0 0 - -" in page.text
    assert "Ledger: none, the edge publishes no counters." in page.text
