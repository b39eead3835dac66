"""Runs the tests that import Locust, each file in its own process: gevent would patch this one, which xdist uses."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

FILES = sorted(path for path in (Path(__file__).parent / "patched").glob("*.py") if path.name != "__init__.py")


@pytest.mark.parametrize("file", FILES, ids=[path.stem for path in FILES])
def test_in_a_process_that_gevent_has_patched(file: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:xdist", "-p", "no:cacheprovider", str(file)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
