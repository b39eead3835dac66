"""A proxy with a limit of its own in front of the edge: its refusals are told apart from the edge's."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.faults.proxies import Proxy, haproxy, missing, nginx
from tests.swarm.locust_process import run_locust

PROFILE = """
name: tiny
users: 4
ramp: 0s
hold: 1s
softphone: {like: recommended, retry: {max_retries: 0}}
"""


@pytest.mark.parametrize(
    ("by", "proxied", "refused"),
    [
        ("nginx", lambda: nginx("limit_req zone=one; limit_req_status 429;"), {"429": 3}),
        ("nginx", lambda: nginx("limit_req zone=one;"), {"503": 3}),
        ("nginx", lambda: nginx(signaling="127.0.0.1:9"), {"502": 4}),
        ("haproxy", lambda: haproxy("http-request deny deny_status 429 if { path /signaling }"), {"429": 4}),
    ],
    ids=["limit_req 429", "limit_req", "no upstream", "deny_status 429"],
)
def test_what_a_proxy_answers_is_not_the_edges(
    tmp_path: Path, by: str, proxied: Callable[[], AbstractContextManager[Proxy]], refused: dict[str, int]
) -> None:
    if missing(by):
        pytest.skip(f"{by} is not installed")
    with proxied() as proxy:
        run = run_locust(tmp_path, "--host", proxy.url, profile=PROFILE)
    (row,) = [row for row in run.record["ledger"]["rows"] if row["not_the_edges"]]
    assert (row["step"], row["not_the_edges"], row["never_arrived"]) == ("handshake", refused, sum(refused.values()))
    assert run.record["ledger"]["balanced"] is True
    assert run.record["validity"] == {"valid": True, "reasons": []}
    assert run.returncode == 0
    ((status, n),) = refused.items()
    line = f"not the edge's: {n} of 4 handshake attempts were answered by something in between, with HTTP {status}: {n}"
    assert line in run.stdout


def test_what_the_edge_refuses_is_the_edges_behind_a_proxy_too(tmp_path: Path) -> None:
    if missing("nginx"):
        pytest.skip("nginx is not installed")
    with nginx(upgrade="") as proxy:  # the edge answers 426
        run = run_locust(tmp_path, "--host", proxy.url, profile=PROFILE)
    (row,) = [row for row in run.record["ledger"]["rows"] if row["step"] == "handshake"]
    assert (row["refused"], row["not_the_edges"], row["never_arrived"]) == (4, {}, 0)
    assert run.record["validity"]["valid"] is True
