""".docker/stack.yml in a real engine in swarm mode: a run, and a removal in the middle of one."""

from __future__ import annotations

import http.cookiejar
import json
import os
import shutil
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from locust_softphone.commands.locust_process import unused_port
from tests.fleet.processes import CHECKOUT

WORKERS = 2
PATIENCE_S = 120.0
BUILT_S = 900.0
PASSWORD = "of this test only"
OWN_ENGINE = "SOFTPHONE_OWN_ENGINE"  # .ci/containers sets it: the engine is there for the tests only
READ_RECORDS = (
    "import glob, json; print(json.dumps([json.load(open(p)) for p in sorted(glob.glob('/runs/*/run.json'))]))"
)


def docker(*arguments: str, **variables: str) -> str:
    done = subprocess.run(
        ["docker", *arguments],
        env={**os.environ, **variables},
        text=True,
        timeout=BUILT_S,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert done.returncode == 0, f"docker {' '.join(arguments)}:\n{done.stdout}"
    return done.stdout


@pytest.fixture(scope="module")
def swarm_mode() -> Iterator[None]:
    """An engine in swarm mode; only one that is there for the tests is put into it."""
    if not shutil.which("docker") or subprocess.run(["docker", "info"], capture_output=True).returncode:
        pytest.skip("no Docker engine here: .docker/stack.yml was not deployed for real")
    active = docker("info", "--format", "{{.Swarm.ControlAvailable}}").strip() == "true"
    if not active and not os.environ.get(OWN_ENGINE):
        pytest.skip(
            f"this engine is not in swarm mode, and {OWN_ENGINE} is not set, with which the test would change it"
        )
    if not active:
        docker("swarm", "init", "--advertise-addr", "127.0.0.1", "--listen-addr", "127.0.0.1:2377")
    yield
    if not active:
        docker("swarm", "leave", "--force")


@dataclass
class Stack:
    """A stack of the test's own; its name is also that of its image."""

    name: str
    port: int
    opener: urllib.request.OpenerDirector = field(
        default_factory=lambda: urllib.request.build_opener(
            urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        )
    )

    @property
    def containers(self) -> list[str]:
        """The names of those that run, such as ``softphone_worker.1.…``."""
        mine = f"label=com.docker.stack.namespace={self.name}"
        return docker("ps", "--filter", mine, "--format", "{{.Names}}").split()

    @property
    def records(self) -> list[dict[str, Any]]:
        volume = f"{self.name}_runs:/runs:ro"
        words = ("--rm", "--network", "none", "--volume", volume, "--entrypoint", "python", self.name)
        found: list[dict[str, Any]] = json.loads(docker("run", *words, "-c", READ_RECORDS))
        return found

    def open(self, path: str, **form: str) -> Any:
        """What the web UI answers."""
        data = urllib.parse.urlencode(form).encode() if form else None
        with self.opener.open(f"http://127.0.0.1:{self.port}/{path}", data, timeout=30) as answer:
            text = answer.read().decode()
        return json.loads(text) if answer.headers["Content-Type"].startswith("application/json") else text

    def wait(self, until: Callable[[], object], what: str) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not until():
            if time.monotonic() > deadline:
                logs = subprocess.run(
                    ["docker", "service", "logs", f"{self.name}_master"], capture_output=True, text=True
                )
                pytest.fail(f"{what} did not happen:\n{logs.stdout}{logs.stderr}")
            time.sleep(0.5)


@pytest.fixture(scope="module")
def stack(swarm_mode: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    password = tmp_path_factory.mktemp("secret") / "web-password"
    password.write_text(PASSWORD)
    up = Stack(f"softphone-stack-{os.getpid()}", unused_port())
    settings = {
        "SOFTPHONE_IMAGE": up.name,
        "SOFTPHONE_WORKERS": str(WORKERS),
        "SOFTPHONE_PROFILE": "smoke",
        "SOFTPHONE_PORT": str(up.port),
        "SOFTPHONE_WEB_PASSWORD_FILE": str(password),
    }
    file = CHECKOUT / ".docker" / "stack.yml"
    try:
        docker("build", "-q", "-f", str(CHECKOUT / ".docker" / "Dockerfile"), "-t", up.name, str(CHECKOUT))
        docker("stack", "deploy", "--resolve-image", "never", "-c", str(file), up.name, **settings)
        yield up
    finally:
        subprocess.run(["docker", "stack", "rm", up.name], capture_output=True)
        for command in (["rm", "--force", *up.containers], ["volume", "rm", f"{up.name}_runs"], ["rmi", "-f", up.name]):
            subprocess.run(["docker", *command], capture_output=True)


def test_a_stack_runs_the_profile_by_itself(stack: Stack) -> None:
    stack.wait(lambda: stack.records, "a record of the first run")
    (record,) = stack.records
    assert (record["workers"], record["totals"]["answered"]) == (WORKERS, 10)
    assert record["ledger"]["balanced"] is True


def test_its_removal_in_the_middle_of_a_run_leaves_a_record_with_a_ledger(stack: Stack) -> None:
    assert "authArgs" in stack.open("stats/requests")  # Locust's login page
    stack.open("softphone-login", password=PASSWORD)
    stack.wait(lambda: stack.open("stats/requests")["state"] in ("ready", "stopped"), "the end of the first run")
    told = stack.open("swarm", softphone_profile="paced-50", host="http://edge:8080")
    assert told["success"], told
    stack.wait(lambda: stack.open("stats/requests")["stats"][-1]["num_requests"] > 20, "the first starts")
    docker("stack", "rm", stack.name)
    stack.wait(lambda: not any("_master." in each for each in stack.containers), "the master's end")
    record = stack.records[-1]
    assert (record["profile"]["name"], record["workers"]) == ("paced-50", WORKERS)
    assert (record["verdict"], record["times"]["ended"]) == ("invalid", "stopped")
    assert record["totals"]["started"] > 0
    assert record["ledger"]["balanced"] is True
