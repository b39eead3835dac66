"""Probes of nginx and haproxy in front of a real edge that has no limits of its own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from locust_softphone.cli import main
from locust_softphone.errors import ExitCode
from locust_softphone.limits.inference.kinds import Kind
from tests.edge_process import running_edge
from tests.interop.limits.limiting_proxies import haproxy, nginx

NO_LIMITS = "limits: {token: [], handshake: [], offer: []}"
ZONE = "limit_req_zone $binary_remote_addr zone=one:32k rate=20r/s;"


def probed(port: int, folder: Path) -> list[dict[str, Any]]:
    """The hypotheses about requests for tokens through a proxy, the best one first."""
    record = folder / "probe.json"
    files = ["--twin", str(folder / "twin.yaml"), "--record", str(record)]
    assert main(["probe", "--host", f"http://127.0.0.1:{port}", "--step", "token", *files]) == ExitCode.PASSED
    hypotheses: list[dict[str, Any]] = json.loads(record.read_text())["steps"]["token"]["hypotheses"]
    return hypotheses


def test_limit_req_of_nginx_is_a_token_bucket(tmp_path: Path) -> None:
    with (
        running_edge(NO_LIMITS) as edge,
        nginx("limit_req zone=one burst=9 nodelay;", zone=ZONE, upstream=edge.address[1]) as port,
    ):
        best = probed(port, tmp_path)[0]
    assert best["kind"] == Kind.TOKEN_BUCKET
    rate, burst = best["bounds"]["rate"], best["bounds"]["burst"]
    assert rate[0] <= 20.1
    assert rate[1] >= 19.9  # nginx counts in milliseconds
    assert burst[0] - 0.1 <= 10 <= burst[1] + 0.1


def test_http_req_rate_of_haproxy_is_a_measured_rate(tmp_path: Path) -> None:
    with (
        running_edge(NO_LIMITS) as edge,
        haproxy("sc_http_req_rate(0) gt 20", stored="http_req_rate(2s)", upstream=edge.address[1]) as port,
    ):
        best = probed(port, tmp_path)[0]
    assert best["kind"] == Kind.MEASURED_RATE
    window_s, quota = best["bounds"]["window_s"], best["bounds"]["quota"]
    assert window_s[0] <= 2.01
    assert window_s[1] >= 1.99
    assert quota[0] - 1 <= 20 <= quota[1] + 1  # haproxy refuses above 20, the model at the quota
    assert quota[1] - quota[0] <= 3
