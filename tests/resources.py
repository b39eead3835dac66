"""What a process holds."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

__all__ = ["peak_bytes"]


def peak_bytes(pid: int | str = "self") -> int:
    """The most memory that a process has had resident: VmHWM in proc(5). The test is skipped where that is not told."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        pytest.skip("only Linux tells the most memory that a process has had")
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found is not None
    return int(found[1]) * 1024
