""".github/workflows/release.yml: what it may do, and that it trusts nothing that can change."""

from __future__ import annotations

import re
from typing import Any

import yaml

from tests.fleet.processes import CHECKOUT

WORKFLOW = CHECKOUT / ".github" / "workflows" / "release.yml"


def workflow() -> dict[str, Any]:
    read: dict[str, Any] = yaml.load(WORKFLOW.read_text(), yaml.BaseLoader)  # BaseLoader: `on` stays a word
    return read


def test_every_action_is_pinned_by_its_commit() -> None:
    used = re.findall(r"(?m)^\s*-? *uses: (.*)$", WORKFLOW.read_text())
    assert used
    assert [each for each in used if not re.fullmatch(r"[\w-]+/[\w.-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", each)] == []


def test_each_job_has_the_permissions_that_it_needs_and_no_others() -> None:
    read = workflow()
    assert read["permissions"] == {}
    publishes = {"id-token": "write", "attestations": "write"}
    assert {name: job["permissions"] for name, job in read["jobs"].items()} == {
        "build": {"contents": "read"},
        "package": publishes,
        "image": {"contents": "read", "packages": "write", **publishes},
    }


def test_only_a_tag_publishes_and_only_what_was_built_and_agreed_to() -> None:
    read = workflow()
    assert set(read["on"]) == {"push"}
    assert set(read["on"]["push"]) == {"tags"}
    published = [read["jobs"][name] for name in ("package", "image")]
    assert {(job["needs"], job["environment"]) for job in published} == {("build", "release")}
    assert [name for job in published for name in re.findall(r"actions/attest-[\w-]+", str(job))] == [
        "actions/attest-build-provenance"
    ] * 2


def test_there_is_no_secret_to_keep_and_no_text_of_others_in_a_shell() -> None:
    assert "secrets." not in WORKFLOW.read_text()
    scripts = [step["run"] for job in workflow()["jobs"].values() for step in job["steps"] if "run" in step]
    assert [script for script in scripts if "${{" in script] == []
