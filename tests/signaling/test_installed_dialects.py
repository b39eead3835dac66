"""A dialect of another package, in Locust: the example of docs/dialects.md against a small edge."""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import pytest
from websockets.sync.server import ServerConnection, serve

import locust_softphone
from locust_softphone import sdp
from locust_softphone.signaling.dialect import Dialect
from locust_softphone.signaling.dialect_setup import DialectSetup
from tests.signaling import verto_dialect
from tests.swarm.locust_process import PACKAGES, run_locust

PAGE = Path(locust_softphone.__file__).parents[2] / "docs" / "dialects.md"
EXAMPLE = Path(verto_dialect.__file__)
DIALECT: Callable[[DialectSetup], Dialect] = verto_dialect.Verto  # has the types of the interface
PROFILE = """
name: agents
users: 3
ramp: 0s
hold: 1s
dialect: verto
expect: [answered == 100%, outcomes.offer.ok == 3]
"""


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the example as an installed package."""
    folder = tmp_path_factory.mktemp("packages")
    example = EXAMPLE.read_text()
    assert f"```python\n{example}```" in PAGE.read_text()
    assert example.count("\n") < 120
    (folder / "verto_dialect.py").write_text(example)
    about = folder / "verto_dialect-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: verto-dialect\nVersion: 1.0\n")
    (entry,) = re.findall(r"^(\[project\.entry-points.*?)\n```", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    group, name = re.findall(r'"([^"]+)"', entry)
    (about / "entry_points.txt").write_text(f"[{group}]\nverto = {name}\nlost = no_such_module:X\n")
    return folder


@contextmanager
def a_verto_edge(methods: list[str]) -> Iterator[str]:
    """An edge that answers every call; ``methods`` gets the methods that clients call."""

    def handle(connection: ServerConnection) -> None:
        for text in connection:
            message = json.loads(text)
            method, params = message["method"], message["params"]
            methods.append(method)
            reply = {"jsonrpc": "2.0", "id": message["id"], "result": {"sessid": params["sessid"]}}
            if method != "verto.bye":  # the client closes right after it
                connection.send(json.dumps(reply))
            if method == "verto.invite":
                answer = sdp.make_answer(sdp.parse(params["sdp"]), random.Random(1), ":".join(["AB"] * 32))
                event = {"callID": params["dialogParams"]["callID"], "sdp": answer}
                connection.send(json.dumps({"jsonrpc": "2.0", "id": 1, "method": "verto.answer", "params": event}))

    with serve(handle, "127.0.0.1", 0) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.socket.getsockname()[1]}"


def test_the_example_calls_and_is_measured_as_any_dialect(packages: Path, tmp_path: Path) -> None:
    methods: list[str] = []
    with a_verto_edge(methods) as url:
        run = run_locust(tmp_path, "--host", url, profile=PROFILE, environment=path_with(packages))
    assert (run.returncode, run.complaints) == (0, [])
    record = run.record
    assert {name: step["outcomes"] for name, step in record["steps"].items()} == {
        name: {"ok": 3} for name in ("handshake", "ready", "offer", "close")
    }
    assert record["validity"]["valid"]
    assert {method: methods.count(method) for method in methods} == {"login": 3, "verto.invite": 3, "verto.bye": 3}
    assert "WS       offer" in run.stderr + run.stdout  # Locust's statistics have the step's transport
    report = cli(tmp_path, None, "report", "agents")  # where the package is not installed
    assert report.returncode == 0, report.stderr
    assert "3 of 3" in report.stdout


def path_with(packages: Path) -> dict[str, str]:
    return {"PYTHONPATH": f"{packages}{os.pathsep}{PACKAGES}"}


def cli(folder: Path, packages: Path | None, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **(path_with(packages) if packages else {"PYTHONPATH": str(PACKAGES)})}
    command = [sys.executable, "-m", "locust_softphone", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, text=True, capture_output=True, check=False)


@pytest.mark.parametrize(
    ("dialect", "arguments", "problem"),
    [
        ("lost", ["describe", "p.yaml"], "p.yaml:5: dialect: the dialect lost cannot be loaded from no_such_module:X"),
        (
            "verto",
            ["simulate", "p.yaml"],
            "the dialect verto cannot be simulated; there are media-offer, ",
        ),
        ("verto", ["run", "p.yaml"], "agents: the simulated edge does not speak verto; name an edge with --host URL"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    packages: Path, tmp_path: Path, dialect: str, arguments: list[str], problem: str
) -> None:
    (tmp_path / "p.yaml").write_text(PROFILE.strip().replace("dialect: verto", f"dialect: {dialect}"))
    result = cli(tmp_path, packages, *arguments)
    assert result.returncode == 2
    assert problem in result.stderr
    assert "Traceback" not in result.stderr
