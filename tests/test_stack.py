""".docker/stack.yml: what it promises, and that swarm mode takes all of it. tests/containers deploys it for real."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from tests.fleet.processes import CHECKOUT

STACK = CHECKOUT / ".docker" / "stack.yml"
SERVICES = ("edge", "master", "worker")

IGNORED = {
    "build",
    "container_name",
    "depends_on",
    "network_mode",
    "profiles",
    "pull_policy",
    "restart",
    "security_opt",
}
"""`docker stack deploy` refuses these, or ignores them with a warning."""


def stack(**variables: str) -> dict[str, Any]:
    """The file, with these variables set and all others at their defaults."""
    text = re.sub(r"\$\{(\w+):-([^}]*)\}", lambda found: variables.get(found[1], found[2]), STACK.read_text())
    read: dict[str, Any] = yaml.safe_load(text)
    return read


@pytest.mark.parametrize("name", SERVICES)
def test_swarm_mode_takes_every_key(name: str) -> None:
    assert not IGNORED & set(stack()["services"][name])


@pytest.mark.parametrize("name", SERVICES)
def test_every_service(name: str) -> None:
    service = stack()["services"][name]
    assert (service["user"], service["cap_drop"], service["init"]) == ("1000:1000", ["ALL"], True)
    assert service["ulimits"]["nofile"]["hard"] == "16384"
    assert not re.search("secret(?!s/web-password)|client", " ".join(service["command"]))  # on no command line
    assert service["deploy"]["endpoint_mode"] == "dnsrr"


def test_the_web_ui_is_behind_a_login_and_is_all_that_is_published() -> None:
    services = stack(SOFTPHONE_PORT="1234")["services"]
    assert "--softphone-web-password-file=/run/secrets/web-password" in services["master"]["command"]
    assert services["master"]["secrets"] == ["web-password"]
    assert services["master"]["ports"] == [{"target": 8089, "published": "1234", "mode": "host"}]
    assert [name for name in SERVICES if "ports" in services[name]] == ["master"]


def test_what_makes_load_is_on_an_internal_network_only() -> None:
    read = stack()
    assert {name: read["services"][name]["networks"] for name in ("edge", "worker")} == {
        "edge": ["swarm"],
        "worker": ["swarm"],
    }
    assert read["networks"]["swarm"] == {"driver": "overlay", "internal": True}


def test_the_master_can_finish_its_run_when_all_are_stopped_at_once() -> None:
    """SIGURG is ignored by programs that do not handle it (signal(7))."""
    services = stack()["services"]
    assert {name: services[name]["stop_signal"] for name in SERVICES} == {
        "edge": "SIGURG",
        "master": "SIGTERM",
        "worker": "SIGURG",
    }
    assert all("stop_grace_period" in services[name] for name in SERVICES)


def test_the_master_waits_for_as_many_workers_as_there_are_and_is_not_started_again() -> None:
    services = stack(SOFTPHONE_WORKERS="7")["services"]
    assert "--expect-workers=7" in services["master"]["command"]
    assert services["worker"]["deploy"]["replicas"] == "7"
    assert services["master"]["deploy"]["restart_policy"] == {"condition": "none"}  # or a burst would follow a crash
    assert "exec locust" in services["master"]["entrypoint"][2]  # the shell does not keep the signal from it
