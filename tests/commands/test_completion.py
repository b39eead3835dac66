"""What a shell completes: it asks the program, as the scripts of ``locust-softphone completion`` do."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from locust_softphone.cli import main


@pytest.mark.parametrize(
    ("line", "completions"),
    [
        ("locust-softphone descr", "describe "),
        ("locust-softphone run pac", "paced-50 "),
        ("locust-softphone run mi", "mine.yaml "),
        ("locust-softphone compare smoke paced-50 mi", "mine.yaml "),
        ("locust-softphone report 2026", "20260801T120000.000000Z-mine "),
        ("locust-softphone run smoke --poli", "--policy "),
    ],
)
def test_commands_options_profiles_and_runs_are_completed(line: str, completions: str, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").touch()
    run = tmp_path / "runs" / "20260801T120000.000000Z-mine"
    run.mkdir(parents=True)
    (run / "run.json").touch()
    output = tmp_path / "completions"
    asked = {"_ARGCOMPLETE": "1", "_ARGCOMPLETE_IFS": "\n", "_ARGCOMPLETE_STDOUT_FILENAME": str(output)}
    asked |= {"_ARGCOMPLETE_SHELL": "bash", "COMP_LINE": line, "COMP_POINT": str(len(line)), "COMP_TYPE": "9"}
    command = [sys.executable, "-m", "locust_softphone"]
    subprocess.run(command, cwd=tmp_path, env={**os.environ, **asked}, check=True)
    assert output.read_text() == completions


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_is_right_for_its_shell(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    if not shutil.which(shell):
        pytest.skip(f"{shell} is not installed")
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    subprocess.run([shell, "-n"], input=script, text=True, check=True)
    assert "locust-softphone" in script
