"""Locust command lines that end at once, each in a fork of one process that has imported Locust.

A process that starts needs 2 s of CPU before Locust reads its arguments; a fork needs a tenth of it.

with ForkedLocust() as locust:
    run = locust.run(tmp_path, "--headless", "--host", "edge.example")
    run.returncode, run.complaints
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.swarm.locust_process import LOCUSTFILE, NOTHING, PACKAGES, TINY, Finished

__all__ = ["ForkedLocust"]

FORKING = """
import json, os, sys
import locust.main
import locust_softphone.swarm.hooks
from gevent import reinit
from gevent.monkey import get_original

fork, waitpid = get_original("os", ["fork", "waitpid"])
for line in sys.stdin:
    wanted = json.loads(line)
    child = fork()
    if not child:
        reinit()  # an event loop of its own
        os.chdir(wanted["folder"])
        os.environ.clear()
        os.environ.update(wanted["environment"])
        for number, name in enumerate(("/dev/null", "stdout", "stderr")):
            os.dup2(os.open(name, os.O_RDWR | os.O_CREAT), number)
        sys.argv = ["locust", *wanted["arguments"]]
        sys.exit(locust.main.main())
    print(os.waitstatus_to_exitcode(waitpid(child, 0)[1]), flush=True)
os._exit(0)  # there is nothing to clean up
"""


class ForkedLocust:
    """A process that forks for each run."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", FORKING],
            env={**_inherited(), "PYTHONPATH": str(PACKAGES)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self._process.communicate()

    def run(
        self, folder: Path, *options: str, profile: str | None = TINY, environment: Mapping[str, str] = NOTHING
    ) -> Finished:
        """Run Locust; the arguments are those of ``run_locust``."""
        if profile is not None:
            (folder / "tiny.yaml").write_text(profile)
            options = ("--softphone-profile", "tiny.yaml", *options)
        wanted = {
            "folder": str(folder),
            "arguments": ["-f", str(LOCUSTFILE), *options],
            "environment": {**_inherited(), "HOME": str(folder), "PYTHONPATH": str(PACKAGES), **environment},
        }
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps(wanted), file=self._process.stdin, flush=True)
        code = int(self._process.stdout.readline())
        stdout, stderr = ((folder / name).read_text() for name in ("stdout", "stderr"))
        return Finished(folder, code, stdout, stderr)


def _inherited() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("LOCUST_")}
