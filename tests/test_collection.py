"""The names of all tests: the processes of pytest-xdist must collect the same ones, or none is run."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest


def test_no_test_is_named_after_the_time(request: pytest.FixtureRequest) -> None:
    """Two processes can collect a test within different minutes."""
    today = datetime.now()
    days = [f"{today + timedelta(days):%Y-%m-%d}" for days in (-1, 0, 1)]
    assert [item.nodeid for item in request.session.items if any(day in item.nodeid for day in days)] == []
