"""The simulated edge of a run: started with a policy, its problems and warnings passed on."""

from __future__ import annotations

import json
import re
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from locust_softphone.errors import InputError
from locust_softphone.runs.edge_process import EdgeProcess


def policy_of(edge: EdgeProcess) -> dict[str, Any]:
    with urllib.request.urlopen(f"{edge.url}/stats", timeout=20) as response:
        policy: dict[str, Any] = json.load(response)["policy"]
    return policy


def test_a_profiles_policy_in_the_old_spelling_is_used_and_warned_about(caplog: pytest.LogCaptureFixture) -> None:
    edge = EdgeProcess.with_policy({"patience": 5, "retry_after": {"says": "next"}}, "burst")
    try:
        policy = policy_of(edge)
    finally:
        edge.stop()
    assert (policy["max_early_retries"], policy["retry_after"]["advice"]) == (5, "next-token")
    assert [record.getMessage() for record in caplog.records] == [
        "burst: edge: patience is now max_early_retries; says: next is now advice: next-token "
        "(the old spelling is still read)"
    ]


def test_a_warning_about_a_policy_file_names_the_file_and_the_line(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text("\npatience: 5\n")
    EdgeProcess.start(file).stop()
    assert [record.getMessage() for record in caplog.records] == [
        f"{file}:2: patience is now max_early_retries (the old spelling is still read)"
    ]


def test_a_problem_of_a_profiles_policy_names_the_profile() -> None:
    with pytest.raises(InputError, match=re.escape("burst: edge: max_early_retries: must be at least 0")):
        EdgeProcess.with_policy({"max_early_retries": -1}, "burst")
