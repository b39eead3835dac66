"""Which requests are new, came again, or are foreign; in bounded memory."""

from __future__ import annotations

import sys

import pytest

from locust_softphone.edge.attempt_ids import MOST_ATTEMPTS, MOST_PROCESSES, AttemptIds


def test_an_attempt_is_new_once() -> None:
    ids = AttemptIds()
    assert [ids.note(each) for each in ("0000000a-0", "0000000a-9", "0000000b-0", "0000000a-9")] == [
        *("first", "first", "first", "again")
    ]


@pytest.mark.parametrize("missing", [None, "", "17", "0000000a-", "0000000A-1", "0000000a-1 ", "0000000a-" + "9" * 16])
def test_a_request_without_an_id_is_foreign(missing: str | None) -> None:
    assert AttemptIds().note(missing) == "foreign"


def test_memory_is_bounded() -> None:
    ids = AttemptIds()
    for process in range(2 * MOST_PROCESSES):
        assert ids.note(f"{process:08x}-{MOST_ATTEMPTS - 1}") == "first"
    assert ids.note(f"{process:08x}-{MOST_ATTEMPTS}") == "first"
    assert ids.note(f"{process:08x}-{MOST_ATTEMPTS}") == "first", "beyond the bound all count as new"
    assert len(ids._seen) == MOST_PROCESSES
    assert sum(map(sys.getsizeof, ids._seen.values())) < MOST_PROCESSES * MOST_ATTEMPTS / 4
