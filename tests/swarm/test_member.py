"""A worker that leaves hands in what it measured first, whoever has been quicker to stop it."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from locust_softphone.swarm import messages
from tests.swarm.locust_process import PATIENCE_S


@pytest.mark.parametrize("stopped", ["told", "by-itself"])
def test_what_it_measured_is_handed_in(stopped: str) -> None:
    """All processes of a closed terminal are told at once."""
    command = [sys.executable, "-m", "tests.swarm.leaving_worker", stopped]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S)
    assert done.returncode == 0, done.stderr
    sent = [messages.HERE, messages.DONE]
    assert json.loads(done.stdout) == {"left_before_goodbyes": False, "left": True, "sent": sent}
