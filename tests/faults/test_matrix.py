"""Causes every fault of docs/faults.md."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import locust_softphone
from tests.faults.cases import CASES, HELD, Case, Seen
from tests.faults.certificates import authority_file, good
from tests.faults.matrix import USUAL, SoftphoneProcess, a_softphone_process, document, observed
from tests.faults.proxies import missing, nginx, through

DOCUMENT = Path(locust_softphone.__file__).parents[2] / "docs" / "faults.md"
MB = 1024 * 1024
MANY = 50


@pytest.fixture(scope="module")
def process() -> Iterator[SoftphoneProcess]:
    with a_softphone_process() as running:
        yield running


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.by}: {case.step}: {case.name}")
def test_the_result_of_a_fault(process: SoftphoneProcess, case: Case) -> None:
    if lacking := missing(case.by):
        pytest.skip(f"{lacking} is not installed")
    found = process.meet(case)
    assert observed(case, found) == case.seen, found
    assert found["left"] == {"descriptors": 0, "greenlets": 0}


def test_a_good_certificate_is_accepted(process: SoftphoneProcess) -> None:
    """So the other certificates are refused because of their fault."""
    if lacking := missing("nginx"):
        pytest.skip(f"{lacking} is not installed")
    trusting = Case("", "token", through(lambda: nginx(certificate=good)), Seen("", None, ""), trusts=authority_file())
    assert process.meet(trusting)["answered"]


def test_many_dropped_calls_do_not_increase_memory(process: SoftphoneProcess) -> None:
    reset = HELD[0]
    for _ in range(MANY // 5):
        process.meet(reset)
    assert sum(process.meet(reset)["memory"] for _ in range(MANY)) < MB


def test_the_page_matches_the_cases() -> None:
    assert DOCUMENT.read_text() == document((case, case.seen) for case in CASES), "python -m tests.faults writes it"


def test_the_page_describes_the_behaviour_that_is_used() -> None:
    assert (USUAL["like"], USUAL["retry"]["max_retries"], USUAL["retry"]["initial"]) == ("recommended", 1, "200ms")
