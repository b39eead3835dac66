"""docker-compose.yml in a real engine: an image and a project of the test's own, and what is done to its containers."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from locust_softphone.commands.locust_process import unused_port
from tests.fleet.processes import CHECKOUT

__all__ = ["WORKERS", "ComposeProject", "compose_client", "project"]

WORKERS = 3
PROFILE = """\
name: chaos
users: 150
ramp: {rate: 25/s}
hold: 2s
softphone:
  like: recommended
  token: shared
"""
BUILT_S = 900.0  # for an engine to build the image and to start everything
RUN_S = 120.0
IN_IMAGE = ("LICENSE", "README.md", "locustfile.py", "pyproject.toml", ".dockerignore", "docker-compose.yml")


def compose_client() -> list[str]:
    """The client, or the test is skipped."""
    for command in (["docker", "compose"], ["docker-compose"]):
        if shutil.which(command[0]) and not subprocess.run([*command, "version"], capture_output=True).returncode:
            return command
    pytest.skip("no Docker Compose here: neither `docker compose` nor `docker-compose`")


@dataclass
class ComposeProject:
    """A copy of the checkout, and its swarm.

    Args:
        folder: of the copy.
        client: the Compose client.
        environment: of all commands.
    """

    folder: Path
    client: list[str]
    environment: dict[str, str]

    @property
    def name(self) -> str:
        return self.environment["COMPOSE_PROJECT_NAME"]

    def compose(self, *arguments: str) -> str:
        """Run a command; if it fails, so does the test, with all that the containers printed."""
        try:
            return self._run([*self.client, *arguments])
        except subprocess.CalledProcessError as error:
            pytest.fail(f"compose {' '.join(arguments)}:\n{error.stdout}\n{self.logs()}")

    def docker(self, *arguments: str) -> str:
        return self._run(["docker", *arguments])

    def container(self, service: str, number: int = 1) -> str:
        """The id of a service's container, running or not."""
        labels = {"project": self.name, "service": service, "container-number": str(number)}
        chosen = [f"--filter=label=com.docker.compose.{key}={value}" for key, value in labels.items()]
        (found,) = self.docker("ps", "--all", "--quiet", *chosen).split()
        return found

    def logs(self, *services: str) -> str:
        return self._run([*self.client, "logs", "--no-color", *services])

    @property
    def records(self) -> list[dict[str, Any]]:
        return [json.loads(path.read_text()) for path in sorted(self.folder.glob("runs/*/run.json"))]

    def begin(self, profile: str) -> None:
        """Start a run as the web UI does."""
        fields = {"softphone_profile": profile, "host": "http://edge:8080"}
        told = self.ui("swarm", urllib.parse.urlencode(fields).encode())
        assert told["success"], told

    def ui(self, path: str, data: bytes | None = None) -> Any:
        """What the web UI answers."""
        url = f"http://127.0.0.1:{self.environment['SOFTPHONE_PORT']}/{path}"
        with urllib.request.urlopen(url, data, timeout=30) as answer:
            return json.load(answer)

    @property
    def ready_workers(self) -> int:
        """How many workers the master could give a run now; 0 while one is going on."""
        with suppress(OSError):  # the master is starting
            told = self.ui("stats/requests")
            if told["state"] in ("ready", "stopped"):
                return sum(each["state"] == "ready" for each in told["workers"])
        return 0

    def is_healthy(self, service: str) -> bool:
        state = self.docker("inspect", "--format", "{{.State.Health.Status}}", self.container(service))
        return state.strip() == "healthy"

    def wait(self, until: Callable[[], object], what: str) -> None:
        deadline = time.monotonic() + RUN_S
        while not until():
            if time.monotonic() > deadline:
                pytest.fail(f"{what} did not happen:\n{self.logs()}")
            time.sleep(0.2)

    def _run(self, command: list[str]) -> str:
        return subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment,
            check=True,
            timeout=BUILT_S,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        ).stdout


@contextmanager
def project(folder: Path) -> Iterator[ComposeProject]:
    """The swarm, up and with one run of the profile smoke; at the end nothing of it is left, not even its image."""
    client = compose_client()
    if not shutil.which("docker") or subprocess.run(["docker", "info"], capture_output=True).returncode:
        pytest.skip("no Docker engine here: docker-compose.yml was not brought up for real")
    for name in IN_IMAGE:
        shutil.copy(CHECKOUT / name, folder)
    for name in ("plugin", "scenarios", ".docker"):
        shutil.copytree(CHECKOUT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "scenarios" / "chaos.yaml").write_text(PROFILE)
    name = f"softphone-test-{os.getpid()}"
    settings = {
        "COMPOSE_PROJECT_NAME": name,
        "SOFTPHONE_IMAGE": name,
        "SOFTPHONE_WORKERS": str(WORKERS),
        "SOFTPHONE_PROFILE": "smoke",
        "SOFTPHONE_PORT": str(unused_port()),
        "SOFTPHONE_UID": "1234",  # not the image's own user
        "SOFTPHONE_GID": "1234",
    }
    swarm = ComposeProject(folder, client, {**os.environ, **settings})
    try:
        swarm.compose("up", "--detach", "--build")
        yield swarm
    finally:
        swarm.compose("--profile", "headless", "down", "--volumes", "--remove-orphans")
        subprocess.run(["docker", "rmi", "--force", name], env=swarm.environment, capture_output=True)
