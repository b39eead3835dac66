"""The simulated edge as a process of its own, for the length of one run.

It ends when its standard input does, so it cannot outlive the process that started it, whatever ends that one; and it
has a session of its own, so that Ctrl-C stops the softphones first and the edge still answers for its counters.
"""

from __future__ import annotations

import json
import logging
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from typing import Any

from locust_softphone.config.profile import Profile
from locust_softphone.errors import InputError

__all__ = ["EdgeProcess"]

SECRETS = frozenset({"LOCUST_SOFTPHONE_CLIENT_SECRET"})
"""The environment variables that the edge is not given: it needs no secret."""

_LISTENING = "listening on "
_BAD_INPUT = 2
_LONGEST_MESSAGES = 64 * 1024

logger = logging.getLogger(__name__)


class EdgeProcess:
    """A running simulated edge. What it warned about at its start is logged.

    Args:
        policy: its policy file, or None for the default policy.
        shown_as: what its messages name instead of the policy file and its lines.

    Raises:
        InputError: it did not start; what it said about it.
    """

    def __init__(self, policy: Path | None = None, shown_as: str | None = None) -> None:
        command = [sys.executable, "-m", "locust_softphone.cli", "edge", "--port", "0", "--until-stdin-closes"]
        if policy:
            command += ["--policy", str(policy)]
        with TemporaryFile() as messages:  # a pipe that nobody reads would stop the edge once it is full
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=messages,
                text=True,
                start_new_session=True,
                env={name: value for name, value in os.environ.items() if name not in SECRETS},
            )
            assert self._process.stdout is not None
            first_line = self._process.stdout.readline().strip()
            started = first_line.startswith(_LISTENING)
            if not started:
                self._process.communicate()
            lines = os.pread(messages.fileno(), _LONGEST_MESSAGES, 0).decode(errors="replace").strip().splitlines()
        if shown_as:
            where = re.compile(rf"^{re.escape(str(policy))}(:\d+)?|(?<=; )line \d+: ")
            lines = [where.sub(lambda found: shown_as if found.start() == 0 else "", line) for line in lines]
        if not started:
            lines = lines or ["the simulated edge did not start"]
            raise InputError(*(lines if self._process.returncode == _BAD_INPUT else lines[-5:]))
        for line in lines:
            logger.warning(line)
        self.url = first_line[len(_LISTENING) :]

    @classmethod
    def for_profile(cls, profile: Profile, policy: Path | None) -> EdgeProcess:
        """An edge with the policy file that was named, or else with the policy that the profile brings along.

        Raises:
            InputError: it did not start; what it said about it.
        """
        return cls(policy) if policy or not profile.edge else cls.with_policy(profile.edge, profile.name)

    @classmethod
    def with_policy(cls, policy: Mapping[str, Any], name: str) -> EdgeProcess:
        """An edge with the policy that a profile of this name brings along.

        Raises:
            InputError: it did not start; what it said about it.
        """
        with TemporaryDirectory() as folder:
            file = Path(folder, "policy.yaml")
            file.write_text(json.dumps(policy), encoding="utf-8")
            return cls(file, shown_as=f"{name}: edge")

    def stop(self) -> None:
        """Close its standard input and wait until it has gone."""
        self._process.communicate()
