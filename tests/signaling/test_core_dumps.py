"""A Locust process that crashes leaves no core dump: it would have the client's secret."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from tests.swarm.locust_process import PACKAGES

CRASH = "import os; os.abort()"
LOCUST = f"from locust import events; from locust_softphone import install; install(events); {CRASH}"
COMMAND = f"from locust_softphone.cli import main; main(['profiles']); {CRASH}"


def leaves_a_core(code: str, folder: Path) -> bool:
    """Whether a Python that runs this and may write a core of any size leaves one."""

    def allow() -> None:
        _, hard = resource.getrlimit(resource.RLIMIT_CORE)
        resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))

    environment = {**os.environ, "PYTHONPATH": str(PACKAGES)}
    crashed = subprocess.Popen([sys.executable, "-c", code], cwd=folder, env=environment, preexec_fn=allow)
    _, status = os.waitpid(crashed.pid, 0)
    crashed.returncode = status  # it is waited for
    assert os.WIFSIGNALED(status)
    return os.WCOREDUMP(status)


def test_a_crash_of_a_process_with_secrets_leaves_no_core(tmp_path: Path) -> None:
    if not leaves_a_core(CRASH, tmp_path):
        pytest.skip("this system writes no core dumps")
    assert not leaves_a_core(LOCUST, tmp_path)
    assert not leaves_a_core(COMMAND, tmp_path)
