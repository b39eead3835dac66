"""Waits until a foreign server listens."""

from __future__ import annotations

import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path

__all__ = ["await_port"]

_PATIENCE_S = 60.0  # a test that meets it has failed
_CHECK_EVERY_S = 0.02


def await_port(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until a process listens on a port of this machine; fail with its log if it ends instead."""
    deadline_s = time.monotonic() + _PATIENCE_S
    while True:
        with suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
            return
        said = log.read_text() if log.exists() else "no log"
        assert process.poll() is None, f"it ended with {process.returncode}: {said}"
        assert time.monotonic() < deadline_s, f"it does not listen: {said}"
        time.sleep(_CHECK_EVERY_S)
