"""``matrix``: its table, and policies for real runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from locust_softphone import cli
from locust_softphone.config.policy import load_policy
from locust_softphone.simulation.limit_examples import LIMIT_EXAMPLES


def test_each_pair_of_remedy_and_limit_has_a_cell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("bucket.yaml").write_text("limits: {handshake: {rate: 10/s, burst: 10}}")
    Path("cap.yaml").write_text("limits: {sessions: {kind: session-cap, cap: 5}}")
    remedies = ["burst-500-sdk-2.3.1", "burst-500-fleet-backoff"]
    limits = ["--policies", "bucket.yaml", "cap.yaml", "--write-policies", "written"]
    assert cli.main(["matrix", *remedies, "--users", "12", *limits]) == 0
    header, _, bucket, cap, *_ = capsys.readouterr().out.splitlines()
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in (header, bucket, cap)]
    assert cells[0] == ["limit", *(f"{name}-users-12" for name in remedies), "planned ramp"]
    assert [cell.split(" · ")[0] for cell in cells[1]] == ["bucket", "10", "12", "12"]
    assert [cell.split(" · ")[0] for cell in cells[2]] == ["cap", "5", "5", "no ramp helps"]
    assert load_policy(Path("written/cap.yaml")).limits == load_policy(Path("cap.yaml")).limits


def test_there_is_an_example_of_each_kind_of_limit() -> None:
    kinds = {
        limit.kind
        for policy in LIMIT_EXAMPLES.values()
        for part in (policy.limits.handshake, policy.limits.sessions)
        for limit in part
    }
    assert {"token-bucket", "lump-bucket", "fixed-window", "sliding-log", "measured-rate", "session-cap"} <= kinds
