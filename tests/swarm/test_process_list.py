"""A secret on the command line is removed from the process list."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HIDES = """
import sys
from locust_softphone.swarm.process_list import hide
hide(sys.argv[1].rpartition("=")[2])
print(*sys.argv[1:], open("/proc/self/cmdline").read(), sep="\\0")
"""


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="there is no /proc")
@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        (["hush", "x"], ["****", "x"]),
        (["--secret=hush", "hush", "hushed", "x=hush"], ["--secret=****", "****", "hushed", "x=****"]),
        (["h", "hush"], ["*", "hush"]),
        (["of two words", "x"], ["************", "x"]),
        (["", "x"], ["", "x"]),
    ],
)
def test_a_secret_is_hidden_where_it_is_a_whole_argument(arguments: list[str], shown: list[str]) -> None:
    done = subprocess.run([sys.executable, "-c", HIDES, *arguments], capture_output=True, text=True, check=True)
    texts = done.stdout.removesuffix("\n").removesuffix("\0").split("\0")
    assert texts[: len(shown)] == texts[-len(shown) :] == shown
