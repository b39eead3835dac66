"""An error that nobody expected ends the run: exit code 3, its traceback in the log, a record if there is anything."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.swarm.locust_process import records, run_locust

BROKEN = """
from locust import events
from locust_softphone import ProfileShape, SoftphoneUser, install
from locust_softphone.swarm.{module} import {name}


def fails(*_, **__):
    raise KeyError("nobody expected this")


{name}.{method} = fails
install(events)


class Shape(ProfileShape):
    pass


class Phone(SoftphoneUser):
    pass
"""


@pytest.mark.parametrize(
    ("module", "name", "method", "recorded"),
    [
        ("coordinator", "RunCoordinator", "_generator", False),
        ("coordinator", "RunCoordinator", "read_options", False),
        ("load.generator", "LoadGenerator", "begin", True),
        ("run", "Run", "so_far", True),
        ("run", "Run", "collect", True),
        ("edge_under_test", "EdgeUnderTest", "settle", True),
    ],
)
def test_an_unexpected_error_ends_the_run(tmp_path: Path, module: str, name: str, method: str, recorded: bool) -> None:
    profile = """
name: tiny
users: 4
ramp: 50ms
hold: 1s
expect: [{expect: rate_limited == 0, abort: true}]
"""
    run = run_locust(tmp_path, profile=profile, locustfile=BROKEN.format(module=module, name=name, method=method))
    assert run.returncode == 3
    assert "nobody expected this" in run.stderr
    assert "Traceback" in run.stderr
    assert len(records(tmp_path)) == recorded
    if recorded:
        assert run.record["verdict"] == "invalid"


def test_a_secret_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    secret = os.fsdecode(b"s\xffcret")
    run = run_locust(tmp_path, "--softphone-client-id", "id", "--softphone-client-secret", secret)
    assert run.returncode == 2
    assert run.complaints == ["--softphone-client-secret, or its environment variable: not UTF-8"]
