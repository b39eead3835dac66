"""The simulated edge as a process of its own, for one run.

It ends when its standard input is closed, so it cannot outlive the process that started it. It has its own session, so
that Ctrl-C stops the softphones first, and the edge can still report its counters.
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
from locust_softphone.config.wire import Wire
from locust_softphone.errors import ExitCode, InputError

__all__ = ["EdgeProcess"]

logger = logging.getLogger(__name__)

SECRETS = frozenset({"LOCUST_SOFTPHONE_CLIENT_SECRET"})
"""Environment variables that the edge does not get: it needs no secret."""

_LISTENING = "listening on "
_LONGEST_MESSAGES = 64 * 1024


class EdgeProcess:
    """A running simulated edge.

    Args:
        process: its process.
        url: where it listens.
    """

    def __init__(self, process: subprocess.Popen[str], url: str) -> None:
        self.url = url
        self._process = process

    @classmethod
    def for_profile(cls, profile: Profile, policy: Path | None) -> EdgeProcess:
        """Start an edge with this policy file, or else with the profile's own policy.

        Raises:
            InputError: as ``start``.
        """
        if policy:
            return cls.start(policy, wire=profile.wire)
        own = {"wire": profile.wire.model_dump(mode="json"), **profile.edge} if profile.wire else profile.edge
        return cls.with_policy(own, profile.name) if own else cls.start()

    @classmethod
    def with_policy(cls, policy: Mapping[str, Any], name: str) -> EdgeProcess:
        """Start an edge with the policy of the profile ``name``.

        Raises:
            InputError: as ``start``.
        """
        with TemporaryDirectory() as folder:
            file = Path(folder, "policy.yaml")
            file.write_text(json.dumps(policy), encoding="utf-8")
            return cls.start(file, shown_as=f"{name}: edge")

    @classmethod
    def start(cls, policy: Path | None = None, shown_as: str | None = None, wire: Wire | None = None) -> EdgeProcess:
        """Start an edge, and log its warnings.

        Args:
            policy: its policy file, or None for the default policy.
            shown_as: replaces the policy file and its line numbers in messages.
            wire: replaces the policy's wire.

        Raises:
            InputError: it did not start; with its messages.
        """
        command = [sys.executable, "-m", "locust_softphone", "edge", "--port", "0", "--until-stdin-closes"]
        if policy:
            command += ["--policy", str(policy)]
        with (
            TemporaryFile() as messages,
            TemporaryDirectory() as folder,
        ):  # a pipe that is not read would stop the edge once it is full
            if wire:
                file = Path(folder, "wire.yaml")
                file.write_text(wire.model_dump_json(), encoding="utf-8")
                command += ["--wire", str(file)]
            process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=messages,
                text=True,
                start_new_session=True,
                env={name: value for name, value in os.environ.items() if name not in SECRETS},
            )
            assert process.stdout is not None
            first_line = process.stdout.readline().strip()
            started = first_line.startswith(_LISTENING)
            if not started:
                process.communicate()
            lines = os.pread(messages.fileno(), _LONGEST_MESSAGES, 0).decode(errors="replace").strip().splitlines()
        if shown_as:
            lines = [_without_file(line, str(policy), shown_as) for line in lines]
        if not started:
            lines = lines or ["the simulated edge did not start"]
            raise InputError(*(lines if process.returncode == ExitCode.BAD_INPUT else lines[-5:]))
        for line in lines:
            logger.warning(line)
        return cls(process, first_line[len(_LISTENING) :])

    def stop(self) -> None:
        """Close its standard input and wait until it has ended."""
        self._process.communicate()


def _without_file(line: str, file: str, shown_as: str) -> str:
    """A message with ``shown_as`` in place of the file's name, and without line numbers."""
    where = re.compile(rf"^{re.escape(file)}(:\d+)?|(?<=; )line \d+: ")
    return where.sub(lambda found: shown_as if found.start() == 0 else "", line)
