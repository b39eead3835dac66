"""The examples of docs/ci.md: their YAML is parsed, and their shell steps are run against the simulated edge."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import junitparser
import yaml

from tests.commands.profile_files import a_profile

PAGE = Path(__file__).parents[1] / "docs" / "ci.md"


def examples() -> list[dict[str, Any]]:
    """GitHub's and GitLab's."""
    blocks = re.findall(r"(?ms)^```yaml\n(.*?)^```$", PAGE.read_text())
    return [yaml.load(block, yaml.BaseLoader) for block in blocks]  # BaseLoader: `on` stays a word


def lines_of(steps: str | list[str]) -> list[str]:
    return steps.splitlines() if isinstance(steps, str) else steps


def test_the_shell_steps_find_no_difference_between_equal_edges(tmp_path: Path) -> None:
    github, gitlab = examples()
    assert set(github) == {"name", "on", "jobs"}
    steps = github["jobs"]["gate"]["steps"]
    assert all(("uses" in step) != ("run" in step) for step in steps)
    named = {step["name"]: step["run"] for step in steps if "run" in step}
    assert gitlab[".signaling"]["before_script"] == lines_of(named.pop("install"))
    assert gitlab["baseline"]["script"] == lines_of(named["baseline"])
    assert gitlab["gate"]["script"] == lines_of(named["gate"])

    (tmp_path / "load").mkdir()
    a_profile(tmp_path / "load", "paced", users=2, hold="100ms")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md")}
    environment.pop("EDGE", None)
    for name, script in named.items():
        # Latencies on a busy machine do differ: what is checked is that each step does its work.
        command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script.replace("--repeat 3", "--repeat 2")]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode in ((0,) if name == "baseline" else (0, 1)), f"{name}: {done.stderr}"
    *_, suite = junitparser.JUnitXml.fromfile(str(tmp_path / "results.xml"))
    assert suite.name == "paced against the baseline main"
    assert [case.result for case in suite if case.name == "answered is not worse"] == [[]]
    assert "worse than the baseline main" in (tmp_path / "summary.md").read_text()
