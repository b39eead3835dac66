"""A run in which everything must fail ends early, and says why."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import trustme

from tests.edge_process import running_edge
from tests.swarm.locust_process import run_locust

LONG = """
name: tiny
users: 40
ramp: 0s
hold: 10m
softphone: {like: sdk-2.3.1, retry: {max_retries: 0}, token: per-softphone}
"""
SHORT = LONG.replace("10m", "1s")


class _Quiet(BaseHTTPRequestHandler):
    """Any web server: it answers 501 to a method that it does not know, such as POST here."""

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def web_server() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Quiet) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize("options", [(), ("--processes", "2")], ids=["one process", "two workers"])
def test_a_run_against_a_web_server_ends_early(tmp_path: Path, web_server: str, options: tuple[str, ...]) -> None:
    run = run_locust(tmp_path, "--host", web_server, *options, profile=LONG)
    assert run.returncode == 3
    assert run.record["times"]["ended"] == "stopped"
    (reason,) = run.record["validity"]["reasons"]
    assert reason.startswith("stopped early, because all ")
    assert "attempts of the step token failed with server_error (HTTP 501): the server does not support" in reason
    assert "--softphone-keep-going" in reason
    token = run.record["steps"]["token"]
    assert token["causes"] == {"server_error (HTTP 501)": token["outcomes"]["server_error"]}
    assert reason in " ".join(run.stdout.split())


def test_it_keeps_going_if_that_is_asked_for(tmp_path: Path, web_server: str) -> None:
    run = run_locust(tmp_path, "--host", web_server, "--softphone-keep-going", profile=SHORT)
    assert run.returncode == 0, "there is no expectation"
    assert run.record["times"]["ended"] == "plan over"
    assert run.record["totals"]["started"] == 40


def test_refusals_by_a_limit_do_not_end_it(tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text("limits: {token: {rate: 1/h, burst: 1}}")
    run = run_locust(tmp_path, "--softphone-policy", "policy.yaml", profile=SHORT)
    assert run.record["times"]["ended"] == "plan over"
    assert list(run.record["steps"]["token"]["causes"]) == ["rate_limited (HTTP 429)"]


@pytest.mark.parametrize("users", [40, 3], ids=["ends early", "is too small for that"])
def test_a_run_without_tls_against_a_server_with_it_says_so(tmp_path: Path, users: int) -> None:
    profile = LONG if users == 40 else SHORT.replace("users: 40", f"users: {users}")
    issued = trustme.CA().issue_cert("127.0.0.1")
    issued.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    issued.private_key_pem.write_to_path(tmp_path / "key.pem")
    with running_edge(tls=(tmp_path / "cert.pem", tmp_path / "key.pem")) as edge:
        run = run_locust(tmp_path, "--host", edge.url.replace("https", "http"), profile=profile)
    assert run.returncode == 3
    assert "the server speaks TLS: write https:// (or wss://)" in run.record["validity"]["reasons"][0]
