"""What a run would give, and which ramp would avoid its refusals: ``simulate`` and ``plan`` as child processes.

    simulate PROFILE              ─► "35 of 500 answered, 465 gave up; 448 requests refused with 429"
    plan PROFILE --from RUN       ─► what it found, in sentences, and the profile with the planned ramp

Both need a processor for seconds, so they have a process of their own: one at a time, for at most a minute, and stopped
when a run starts.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from gevent import subprocess

from locust_softphone.errors import ExitCode, InputError

__all__ = ["BUSY", "Predictions", "RampProposal"]

LONGEST_S = 60
MOST_USERS = 5000
MOST_KEPT = 64
"""How many predictions are kept, so that a page that is opened again has its own at once."""

BUSY = "another simulation is in progress: try again in a moment"
_LONGEST_NAME = 50  # leaves room for "-planned" in a profile's name


@dataclass(frozen=True)
class RampProposal:
    """What ``plan`` found.

    Args:
        lines: its sentences.
        name: the file name for the planned profile.
        profile: the planned profile as YAML; empty if no ramp meets the expectations.
    """

    lines: list[str]
    name: str
    profile: str


class Predictions:
    """The simulations of one process."""

    def __init__(self) -> None:
        self._busy = False
        self._process: subprocess.Popen[str] | None = None
        self._known: dict[tuple[str, str], str] = {}

    def outcome(self, profile: dict[str, Any], policy: Path | None) -> str:
        """The outcome that a simulated run of a profile has, in a sentence.

        Args:
            profile: as resolved.
            policy: the simulated edge's policy file, or None for the profile's own.

        Raises:
            InputError: it is too large, takes too long, or another one is in progress.
        """
        key = json.dumps(profile), policy.read_text(encoding="utf-8") if policy else ""
        if key not in self._known:
            options = ["--policy", str(policy.absolute())] if policy else []
            with TemporaryDirectory() as folder:
                output = self._run("simulate", profile, Path(folder), [*options, "--format", "json"])
            while len(self._known) >= MOST_KEPT:
                del self._known[next(iter(self._known))]
            self._known[key] = json.loads(output)["runs"][0]["outcome"]["text"]
        return self._known[key]

    def ramp(self, profile: dict[str, Any], record: Path) -> RampProposal:
        """The shortest ramp that the limits of a finished run allow.

        Args:
            profile: the run's, as resolved.
            record: the run's record.

        Raises:
            InputError: the record does not show the limits; or as ``outcome``.
        """
        with TemporaryDirectory() as folder:
            planned = Path(folder) / f"{profile['name'][:_LONGEST_NAME]}-planned.yaml"
            output = self._run("plan", profile, Path(folder), [f"--from={record.absolute()}", "-o", str(planned)])
            lines = [line for line in output.splitlines() if not line.startswith("written: ")]
            return RampProposal(lines, planned.name, planned.read_text(encoding="utf-8") if planned.exists() else "")

    def stop(self) -> None:
        """Stop what is in progress: a run starts, and needs the processor."""
        if self._process is not None:
            self._process.kill()

    def _run(self, command: str, profile: dict[str, Any], folder: Path, options: list[str]) -> str:
        """What a command prints; raises as ``outcome``."""
        in_terminal = f"in a terminal: locust-softphone {command} {profile['name']}"
        if profile["users"] > MOST_USERS:
            raise InputError(f"more than {MOST_USERS} softphones are not simulated here; {in_terminal}")
        if self._busy:
            raise InputError(BUSY)
        self._busy = True
        try:
            file = folder / "profile.yaml"
            file.write_text(json.dumps(profile), encoding="utf-8")  # JSON is YAML
            code, output, problem = self._await([command, str(file), "--runs", str(folder / "runs"), *options])
        except subprocess.TimeoutExpired:
            raise InputError(f"not finished within {LONGEST_S} s; {in_terminal}") from None
        finally:
            self._busy = False
        if code < 0:
            raise InputError("stopped, because a run started")
        if not output:
            raise InputError(problem.strip().replace(f"{folder}{os.sep}", "") or f"{command} failed with {code}")
        return output

    def _await(self, words: list[str]) -> tuple[int, str, str]:
        """The exit code, stdout and stderr of a ``locust-softphone`` process; other greenlets go on meanwhile."""
        command = [sys.executable, "-m", "locust_softphone", *words]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("LOCUST_")}
        pipe = subprocess.PIPE
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, encoding="utf-8", env=environment
        )
        self._process = process
        try:
            output, problem = process.communicate(timeout=LONGEST_S)
        finally:
            self._process = None
            if process.poll() is None:
                process.kill()
                process.wait()
        return process.returncode, output if process.returncode != ExitCode.BAD_INPUT else "", problem
