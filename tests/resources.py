"""The memory of a process."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

__all__ = ["peak_bytes"]


def peak_bytes(pid: int | str = "self") -> int:
    """The peak resident memory of a process: VmHWM in proc(5). The test is skipped where it is not available."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        pytest.skip("only Linux has VmHWM")
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found is not None
    return int(found[1]) * 1024
