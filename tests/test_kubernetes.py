"""The manifests of docs/kubernetes.md: against the operator's schema, against each other, and as plain processes."""

from __future__ import annotations

import json
import re
import shlex
import signal
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from locust_softphone.commands.locust_process import unused_port
from tests.edge_process import running_edge
from tests.fleet.processes import CHECKOUT, PATIENCE_S, ended, real, started

SCHEMA = Path(__file__).with_name("golden") / "locusttest-0.1.9.schema.json"
CLIENT = {"LOCUST_SOFTPHONE_CLIENT_ID": "locust-softphone", "LOCUST_SOFTPHONE_CLIENT_SECRET": "simulated"}


def manifests() -> dict[tuple[str, str], Any]:
    """All of them, by kind and name."""
    blocks = re.findall(r"(?ms)^```yaml\n(.*?)^```$", (CHECKOUT / "docs" / "kubernetes.md").read_text())
    found = [manifest for block in blocks for manifest in yaml.safe_load_all(block)]
    return {(each["kind"], each["metadata"]["name"]): each for each in found}


def pod_of(kind: str, name: str) -> Any:
    return manifests()[kind, name]["spec"]["template"]


def container_of(kind: str, name: str) -> Any:
    (container,) = pod_of(kind, name)["spec"]["containers"]
    return container


def test_the_operator_takes_the_locusttest() -> None:
    schema = json.loads(SCHEMA.read_text())
    assert [
        error.message for error in Draft202012Validator(schema).iter_errors(manifests()["LocustTest", "burst"])
    ] == []


def test_a_secret_would_not_get_through_the_operator() -> None:
    """If it ever does, the page's advice is out of date."""
    manifest = manifests()["LocustTest", "burst"]
    secret = {"secretKeyRef": {"name": "softphone-client", "key": "LOCUST_SOFTPHONE_CLIENT_SECRET"}}
    manifest["spec"]["env"][0] = {"name": "LOCUST_SOFTPHONE_CLIENT_SECRET", "valueFrom": secret}
    assert not Draft202012Validator(json.loads(SCHEMA.read_text())).is_valid(manifest)


@pytest.mark.parametrize(
    ("service", "workload"), [("edge", ("Deployment", "edge")), ("softphone-master", ("Job", "softphone-master"))]
)
def test_a_service_leads_to_its_pod(service: str, workload: tuple[str, str]) -> None:
    spec = manifests()["Service", service]["spec"]
    assert spec["selector"] == pod_of(*workload)["metadata"]["labels"]
    (port,) = container_of(*workload)["ports"]
    assert [(each["port"], each["targetPort"]) for each in spec["ports"]] == [(port["containerPort"], port["name"])]


def test_the_names_and_numbers_agree() -> None:
    found = manifests()
    burst = found["LocustTest", "burst"]["spec"]
    assert (
        found["Deployment", "edge"]["spec"]["selector"]["matchLabels"]
        == pod_of("Deployment", "edge")["metadata"]["labels"]
    )
    assert f"--expect-workers {burst['workers']} " in burst["args"]
    assert (
        f"--expect-workers={found['Job', 'softphone-worker']['spec']['parallelism']}"
        in container_of("Job", "softphone-master")["args"]
    )
    assert "--master-host=softphone-master" in container_of("Job", "softphone-worker")["args"]
    (volume,) = pod_of("Job", "softphone-master")["spec"]["volumes"]
    assert ("PersistentVolumeClaim", volume["persistentVolumeClaim"]["claimName"]) in found


def test_no_container_runs_as_root_and_no_secret_is_written_down() -> None:
    for kind, name in (("Deployment", "edge"), ("Job", "softphone-master"), ("Job", "softphone-worker")):
        assert pod_of(kind, name)["spec"]["securityContext"]["runAsNonRoot"] is True
    assert container_of("Job", "softphone-master")["envFrom"] == [{"secretRef": {"name": "softphone-client"}}]
    assert [name for name in ("softphone-master", "softphone-worker") if "env" in container_of("Job", name)] == []


def commands(kind: str) -> tuple[list[str], list[str]]:
    """A master's and a worker's, as the operator or a Job starts them."""
    if kind == "LocustTest":
        arguments = shlex.split(manifests()["LocustTest", "burst"]["spec"]["args"])
        return ["locust", "--master", *arguments], ["locust", "--worker", "--master-host", "burst-master", *arguments]
    jobs = (container_of("Job", f"softphone-{role}")["args"] for role in ("master", "worker"))
    master, worker = (["locust", *arguments] for arguments in jobs)
    return master, worker


@pytest.mark.parametrize("kind", ["LocustTest", "Job"])
def test_its_arguments_run(tmp_path: Path, kind: str) -> None:
    """A master and one worker on loopback, with a smaller profile; only addresses, ports and numbers are replaced."""
    web, messages = str(unused_port()), str(unused_port())
    master, worker = commands(kind)
    if kind == "LocustTest":
        content = manifests()["LocustTest", "burst"]["spec"]["locustfile"]["content"]
        (tmp_path / "locustfile.py").write_text(content)
    with running_edge() as edge, ExitStack() as stack:
        replaced = {
            r"http://edge:8080|https://edge\.example": edge.url,
            r"burst-500|paced-50": "smoke",
            r"burst-master|softphone-master": "127.0.0.1",
            r"/tmp/runs": "runs",
            r"(?<=^--expect-workers=)4|^4$": "1",
        }

        def here(command: list[str]) -> list[str]:
            for pattern, by in replaced.items():
                command = [re.sub(pattern, by, word) for word in command]
            command = real(command)
            return [
                str(tmp_path / "locustfile.py") if kind == "LocustTest" and word.endswith("/locustfile.py") else word
                for word in command
            ]

        leading = stack.enter_context(
            started(
                [*here(master), "--web-host", "127.0.0.1", "--web-port", web, "--master-bind-port", messages],
                folder=tmp_path,
                name="master",
                environment=CLIENT,
            )
        )
        working = stack.enter_context(
            started([*here(worker), "--master-port", messages], folder=tmp_path, name="worker")
        )
        deadline = time.monotonic() + PATIENCE_S
        while not list(tmp_path.glob("runs/*/run.json")) and leading.process.poll() is None:
            assert time.monotonic() < deadline, leading.output()
            time.sleep(0.2)
        assert ended(leading, signal.SIGTERM if kind == "LocustTest" else None) == 0, leading.output()
        assert ended(working) == 0, working.output()
    (record,) = (json.loads(path.read_text()) for path in tmp_path.glob("runs/*/run.json"))
    assert (record["verdict"], record["workers"], record["totals"]["answered"]) == ("passed", 1, 10)
    assert record["ledger"]["balanced"] is True
