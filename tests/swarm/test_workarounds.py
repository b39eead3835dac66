"""Locust's seconds long past are dropped, and whatever Locust shows is as before."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from tests.swarm.locust_process import PATIENCE_S


def an_hour(**options: Any) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.swarm.forgetful_locust", json.dumps(options)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_what_locust_shows_stays_the_same() -> None:
    found = an_hour()
    assert [each["current_rps"] for each in found["before"]] == [3, 3]
    assert [each["current_fail_per_sec"] for each in found["before"]] == [1, 1]
    assert found["after"] == found["before"]
    assert found["seconds"] < 60


@pytest.mark.parametrize("asked_for", [{"json": True}, {"json_file": "statistics"}])
def test_all_seconds_stay_for_who_asked_for_them(asked_for: dict[str, Any]) -> None:
    assert an_hour(**asked_for)["seconds"] == 3600
