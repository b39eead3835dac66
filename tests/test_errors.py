"""Exit codes: which of several counts."""

from __future__ import annotations

import pytest

from locust_softphone.errors import ExitCode


@pytest.mark.parametrize(
    ("exit_codes", "most_serious"),
    [([], 0), ([0, 0], 0), ([0, 1], 1), ([1, 3, 0], 3), ([3, 2, 1], 2)],
)
def test_the_most_serious_exit_code_counts(exit_codes: list[int], most_serious: int) -> None:
    assert ExitCode.most_serious(exit_codes) == most_serious
