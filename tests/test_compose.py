"""docker-compose.yml: what it promises, and that its commands do what they say.

The very same commands are run as plain processes on loopback, only addresses and ports are replaced. tests/containers
runs them in containers, where there is an engine.
"""

from __future__ import annotations

import json
import re
import signal
import subprocess
import time
import tomllib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement

from locust_softphone.commands.locust_process import unused_port
from tests.edge.softphone import eventually
from tests.fleet.processes import CHECKOUT, Started, ended, real, started

COMPOSE = CHECKOUT / "docker-compose.yml"
DOCKERFILE = CHECKOUT / ".docker" / "Dockerfile"
RUN_S = 120.0
LOCKED = DOCKERFILE.with_name("requirements.txt")


def swarm(**variables: str) -> dict[str, Any]:
    """The file's services, with these variables set and all others at their defaults."""
    text = re.sub(r"\$\{(\w+):-([^}]*)\}", lambda found: variables.get(found[1], found[2]), COMPOSE.read_text())
    services: dict[str, Any] = yaml.safe_load(text)["services"]
    return services


def command_of(service: dict[str, Any]) -> list[str]:
    (entrypoint,) = re.findall(r"(?m)^ENTRYPOINT (.*)", DOCKERFILE.read_text())
    return [*service.get("entrypoint", json.loads(entrypoint)), *service.get("command", [])]


# What it promises


PROMISES: list[tuple[str, Callable[[dict[str, Any]], object], object]] = [
    ("a signal reaches the program, which is not PID 1", lambda each: each["init"], True),
    ("hanging up and writing the record take longer than 10 s", lambda each: each["stop_grace_period"], "90s"),
    ("5,000 softphones on a worker need 10,000 descriptors", lambda each: each["ulimits"]["nofile"]["hard"], "16384"),
    ("nothing needs a capability", lambda each: each["cap_drop"], ["ALL"]),
    ("no registry is named", lambda each: each["image"], "locust-softphone"),
    ("no secret on a command line", lambda each: re.findall("secret|client", " ".join(command_of(each))), []),
]


@pytest.mark.parametrize("name", swarm())
@pytest.mark.parametrize(("reason", "of", "due"), PROMISES, ids=[row[0] for row in PROMISES])
def test_every_service(name: str, reason: str, of: Callable[[dict[str, Any]], object], due: object) -> None:
    assert of(swarm()[name]) == due


SERVICES: list[tuple[str, str, object]] = [
    ("worker", "environment", None),  # credentials are where they are needed
    ("edge", "environment", None),
    ("edge", "stop_signal", "SIGINT"),
    ("worker", "stop_signal", "SIGTERM"),  # see there
    ("compare", "stop_signal", "SIGINT"),
    ("master", "stop_signal", "SIGTERM"),  # see there
    ("edge", "ports", None),  # on the compose network only
    ("edge", "networks", ["swarm"]),
    ("worker", "networks", ["swarm"]),
    ("master", "ports", ["127.0.0.1:8089:8089"]),  # the web UI is for this machine
    ("compare", "network_mode", "none"),  # its edges are its own
    ("compare", "profiles", ["headless"]),
    ("worker", "restart", "unless-stopped"),  # a worker that lost its master exits with 0
    ("master", "restart", None),  # or a burst would follow a crash
    ("worker", "deploy", {"replicas": "4"}),  # as many as the master waits for
    ("edge", "user", "1000:1000"),
    ("master", "user", "1000:1000"),
    ("worker", "user", "1000:1000"),
    ("compare", "user", "1000:1000"),
    ("prepare", "user", "0:0"),  # it chowns the folder, and has no other capability
    ("prepare", "cap_add", ["CHOWN"]),
    ("prepare", "network_mode", "none"),
    ("prepare", "pull_policy", "build"),
    ("edge", "depends_on", {"prepare": {"condition": "service_completed_successfully"}}),
    ("compare", "depends_on", {"prepare": {"condition": "service_completed_successfully"}}),
]


@pytest.mark.parametrize(("service", "key", "due"), SERVICES, ids=[f"{name}.{key}" for name, key, _ in SERVICES])
def test_a_service(service: str, key: str, due: object) -> None:
    assert swarm()[service].get(key) == due


def test_one_service_builds_the_image() -> None:
    """Services that build one image at the same time fail, and a pull of its name would ask a registry."""
    services = swarm()
    assert [name for name, each in services.items() if "build" in each] == ["prepare"]
    assert {each["pull_policy"] for name, each in services.items() if name != "prepare"} == {"never"}


def test_what_a_user_can_set() -> None:
    services = swarm(SOFTPHONE_PORT="1234", SOFTPHONE_NOFILE="5000", SOFTPHONE_UID="1001", SOFTPHONE_GID="1002")
    assert services["master"]["ports"] == ["127.0.0.1:1234:8089"]
    assert services["worker"]["ulimits"]["nofile"] == {"soft": "5000", "hard": "5000"}
    assert services["worker"]["user"] == "1001:1002"
    assert services["prepare"]["entrypoint"] == ["chown", "1001:1002", "/runs"]


@pytest.mark.parametrize("service", ["master", "compare"])
def test_paths_in_messages_exist_on_the_host(service: str) -> None:
    assert swarm()[service]["environment"]["LOCUST_SOFTPHONE_RUNS"] == "runs"
    assert "./runs:/home/locust/runs" in swarm()[service]["volumes"]


def test_load_has_no_way_out() -> None:
    networks = yaml.safe_load(COMPOSE.read_text())["networks"]
    assert networks["swarm"] == {"internal": True}
    assert networks["web"]["driver_opts"] == {"com.docker.network.bridge.enable_ip_masquerade": "false"}


def test_the_master_waits_for_the_workers_and_is_stopped_before_them() -> None:
    services = swarm(SOFTPHONE_WORKERS="7")
    assert "--expect-workers=7" in services["master"]["command"]
    assert services["worker"]["deploy"] == {"replicas": "7"}
    assert "worker" in services["master"]["depends_on"]
    assert "master" not in services["worker"]["depends_on"]


def test_the_base_is_pinned_and_the_image_is_not_root() -> None:
    text = DOCKERFILE.read_text()
    assert re.search(r"(?m)^ARG PYTHON=python:3\.\d+\.\d+-slim-\w+(@sha256:[0-9a-f]{64})?$", text)
    assert set(re.findall(r"(?m)^FROM (\S+)", text)) == {"${PYTHON}", "dependencies"}
    assert re.findall(r"(?m)^USER (\S+)", text) == ["1000:1000"]


def test_the_image_is_built_from_all_that_a_wheel_takes_and_nothing_else() -> None:
    lines = [line for line in (CHECKOUT / ".dockerignore").read_text().splitlines() if line and line[0] != "#"]
    let_in = {line[1:] for line in lines if line.startswith("!")}
    locked = {".docker/build-requirements.txt", ".docker/requirements.txt"}
    taken = locked | {"LICENSE", "README.md", "locustfile.py", "plugin", "pyproject.toml", "scenarios"}
    assert lines[0] == "*"
    assert let_in == taken
    assert not any(fnmatch(each, "*secret*") for each in let_in)


@pytest.mark.parametrize("text", tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]["dependencies"])
def test_the_image_has_a_version_of_each_dependency_that_pyproject_accepts(text: str) -> None:
    requirement = Requirement(text)
    (version,) = re.findall(rf"(?m)^{re.escape(requirement.name)}==(\S+)", LOCKED.read_text())
    assert version in requirement.specifier


# Its commands, as plain processes


@dataclass
class Swarm:
    """A swarm as ``docker compose up`` starts it: its processes by name, and what became of them."""

    folder: Path
    processes: dict[str, Started] = field(default_factory=dict)
    healthy_before_the_master: bool = False
    codes: dict[str, int] = field(default_factory=dict)

    @property
    def records(self) -> list[dict[str, Any]]:
        return [json.loads(path.read_text()) for path in self.folder.glob("runs/*/run.json")]


@contextmanager
def up(folder: Path, profile: str) -> Iterator[Swarm]:
    """All of it, with two workers, each service when those that it depends on are healthy; then its stop, in order."""
    services = swarm(SOFTPHONE_WORKERS="2", SOFTPHONE_PROFILE=profile)
    edge, web, messages = unused_port(), unused_port(), unused_port()
    ports = {"8080": str(edge), "8089": str(web), "5557": str(messages)}
    replaced = {
        "0.0.0.0": "127.0.0.1",
        "8080": str(edge),
        "--host=http://edge:8080": f"--host=http://127.0.0.1:{edge}",
        "--master-host=master": "--master-host=127.0.0.1",
    }
    further = {
        "master": ["--web-host", "127.0.0.1", "--web-port", str(web), "--master-bind-port", str(messages)],
        "worker": ["--master-port", str(messages)],
    }
    found = Swarm(folder)
    with ExitStack() as stack:

        def start(service: str, name: str) -> None:
            command = [replaced.get(word, word) for word in real(command_of(services[service]))]
            found.processes[name] = stack.enter_context(
                started(
                    [*command, *further.get(service, [])],
                    folder=folder,
                    name=name,
                    environment=services[service].get("environment", {}),
                )
            )

        def healthy(service: str) -> bool:
            text = re.sub(
                r"\b(8080|8089|5557)\b", lambda port: ports[port[1]], json.dumps(services[service]["healthcheck"])
            )
            return subprocess.run(real(json.loads(text)["test"][1:]), capture_output=True, timeout=60).returncode == 0

        start("edge", "edge")
        eventually(lambda: healthy("edge"))
        start("worker", "worker-1")
        start("worker", "worker-2")
        found.healthy_before_the_master = healthy("worker")
        start("master", "master")
        eventually(lambda: healthy("master"))
        eventually(lambda: healthy("worker"))
        yield found
        found.codes["master"] = ended(found.processes["master"], signal.Signals[services["master"]["stop_signal"]])
        found.codes |= {name: ended(found.processes[name]) for name in ("worker-1", "worker-2")}  # the master says so
        found.codes["edge"] = ended(found.processes["edge"], signal.Signals[services["edge"]["stop_signal"]])
        assert [name for name, each in found.processes.items() if "Traceback" in each.output()] == []


def test_up_runs_the_profile_by_itself_and_stays_until_it_is_stopped(tmp_path: Path) -> None:
    with up(tmp_path, "smoke") as found:
        deadline = time.monotonic() + RUN_S
        while not found.records and time.monotonic() < deadline:
            time.sleep(0.2)
        assert found.records, found.processes["master"].output()
        assert [name for name, each in found.processes.items() if each.process.poll() is not None] == []
    assert found.healthy_before_the_master is False
    assert found.codes == {"master": 0, "worker-1": 0, "worker-2": 0, "edge": 0}
    (record,) = found.records
    assert (record["profile"]["name"], record["workers"], record["verdict"]) == ("smoke", 2, "passed")
    assert (record["totals"]["planned"], record["totals"]["answered"]) == (10, 10)
    assert record["ledger"]["balanced"] is True


def test_down_in_the_middle_of_a_run_leaves_its_record(tmp_path: Path) -> None:
    with up(tmp_path, "paced-50") as found:
        eventually(lambda: "All users spawned" in found.processes["master"].output())
        time.sleep(1.0)
    assert found.codes == {"master": 3, "worker-1": 0, "worker-2": 0, "edge": 0}
    (record,) = found.records
    assert (record["verdict"], record["times"]["ended"]) == ("invalid", "stopped")
    assert 0 < record["totals"]["started"] < 500
    assert record["ledger"]["balanced"] is True


def test_the_headless_comparison_exits_with_its_code(tmp_path: Path) -> None:
    command = [*real(command_of(swarm()["compare"])), "smoke"]
    environment = swarm()["compare"]["environment"]
    with started(command, folder=tmp_path, name="compare", environment=environment) as compare:
        assert ended(compare) == 0, compare.output()
    assert len(list(tmp_path.glob("runs/*-smoke/run.json"))) == 1
