"""The edge as a process: how it starts, and every way in which it ends."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import trustme

from locust_softphone import __version__
from tests.edge.softphone import Softphone, ready
from tests.edge_process import running_edge

COMMAND = [sys.executable, "-m", "locust_softphone.cli", "edge"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_the_edge_cleanly_even_with_open_sessions(number: signal.Signals) -> None:
    with running_edge() as edge, Softphone(edge).connect() as websocket:
        ready(websocket)
        edge.process.send_signal(number)
        assert edge.process.wait(20) == 0


def test_the_edge_stops_at_the_end_of_stdin() -> None:
    with running_edge() as edge:
        assert edge.process.stdin is not None
        edge.process.stdin.close()
        assert edge.process.wait(20) == 0


def test_stats_show_version_and_policy_without_secrets() -> None:
    with running_edge("organisations: [{client_id: acme, client_secret: hush}]") as edge:
        stats = edge.stats()
        assert (stats["server"], stats["version"]) == ("locust-softphone-edge", __version__)
        assert stats["policy"]["organisations"] == [{"client_id": "acme"}]
        assert stats["policy"]["limits"]["offer"] == {"rate": "50/s", "burst": 50}
        assert "hush" not in str(stats)


def test_a_port_in_use_is_refused_with_advice() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        run = subprocess.run([*COMMAND, "--port", str(port)], capture_output=True, text=True, timeout=20)
    assert run.returncode == 2
    assert run.stderr == f"127.0.0.1:{port}: the port is in use, choose another with --port\n"


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("--host", "192.0.2.1"), "cannot listen there"),
        (("--host", "no.such.host.invalid"), "cannot listen there"),
        (("--port", "70000"), "must be a whole number from 0 to 65535"),
    ],
)
def test_an_address_that_cannot_be_used_is_refused_in_one_line(arguments: tuple[str, str], problem: str) -> None:
    run = subprocess.run([*COMMAND, "--port", "0", *arguments], capture_output=True, text=True, timeout=20)
    assert run.returncode == 2
    assert len(run.stderr.splitlines()) == 1
    assert problem in run.stderr


def test_a_wrong_policy_is_refused_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text("max_early_retries: none\n")
    run = subprocess.run(
        [*COMMAND, "--policy", str(tmp_path / "policy.yaml")], capture_output=True, text=True, timeout=20
    )
    assert run.returncode == 2
    assert "policy.yaml:1: max_early_retries: must be a whole number" in run.stderr


def test_the_edge_serves_tls(tmp_path: Path) -> None:
    certificate = trustme.CA().issue_cert("127.0.0.1")
    certificate.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    certificate.private_key_pem.write_to_path(tmp_path / "key.pem")
    with running_edge(tls=(tmp_path / "cert.pem", tmp_path / "key.pem")) as edge:
        assert edge.url.startswith("https://")
        phone = Softphone(edge)
        with phone.connect() as websocket:
            assert phone.offer(ready(websocket)).status == 201
        assert edge.stats()["closes"] == {"1000": 1}


def test_importing_the_edge_imports_neither_the_client_nor_locust() -> None:
    forbidden = ("gevent", "locust", "websocket", "locust_softphone.signaling", "locust_softphone.swarm")
    code = f"import sys, locust_softphone.edge; print([name for name in {forbidden} if name in sys.modules])"
    assert subprocess.check_output([sys.executable, "-c", code], text=True, timeout=20) == "[]\n"


def test_the_final_counters_are_written_to_a_file(tmp_path: Path) -> None:
    file = tmp_path / "stats.json"
    with running_edge(options=("--stats", str(file))) as edge, Softphone(edge).connect() as websocket:
        ready(websocket)
        instance = edge.stats()["instance"]
        edge.process.send_signal(signal.SIGTERM)
        edge.process.wait(20)
    counted = json.loads(file.read_text())
    assert counted["instance"] == instance
    assert (counted["sessions"]["total"], counted["sessions"]["open"], counted["lost"]) == (1, 0, 1)


def test_a_stats_file_that_cannot_be_written_is_refused_at_the_start(tmp_path: Path) -> None:
    file = tmp_path / "no" / "stats.json"
    run = subprocess.run([*COMMAND, "--port", "0", "--stats", str(file)], capture_output=True, text=True, timeout=20)
    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr == f"--stats {file}: cannot be written (No such file or directory)\n"
