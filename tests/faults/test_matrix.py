"""Every fault of docs/faults.md, made to happen."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import locust_softphone
from tests.faults.cases import CASES, HELD, Case, Seen
from tests.faults.certificates import authority_file, good
from tests.faults.matrix import USUAL, Victim, a_victim, document, happened
from tests.faults.proxies import missing, nginx, through

DOCUMENT = Path(locust_softphone.__file__).parents[2] / "docs" / "faults.md"
MB = 1024 * 1024
MANY = 50


@pytest.fixture(scope="module")
def victim() -> Iterator[Victim]:
    with a_victim() as running:
        yield running


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.by}: {case.step}: {case.name}")
def test_a_fault(victim: Victim, case: Case) -> None:
    if lacking := missing(case.by):
        pytest.skip(f"{lacking} is not installed")
    found = victim.suffer(case)
    assert happened(case, found) == case.seen, found
    assert found["left"] == {"descriptors": 0, "greenlets": 0}


def test_the_right_certificate_verifies(victim: Victim) -> None:
    """So the others are refused for what is wrong with them."""
    if lacking := missing("nginx"):
        pytest.skip(f"{lacking} is not installed")
    trusting = Case("", "token", through(lambda: nginx(certificate=good)), Seen("", None, ""), trusts=authority_file())
    assert victim.suffer(trusting)["answered"]


def test_many_drops_leave_memory_where_it_was(victim: Victim) -> None:
    reset = HELD[0]
    for _ in range(MANY // 5):
        victim.suffer(reset)
    assert sum(victim.suffer(reset)["memory"] for _ in range(MANY)) < MB


def test_the_page_says_what_the_cases_do() -> None:
    assert DOCUMENT.read_text() == document((case, case.seen) for case in CASES), "python -m tests.faults writes it"


def test_the_usual_softphone_is_the_one_that_the_page_names() -> None:
    assert (USUAL["like"], USUAL["retry"]["max_retries"], USUAL["retry"]["initial"]) == ("recommended", 1, "200ms")
