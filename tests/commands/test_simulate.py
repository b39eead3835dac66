"""``simulate``: what is written and printed, the exit codes, and bad input."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from locust_softphone import cli
from locust_softphone.runs.history import read_records


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path / "runs"


def test_each_run_is_recorded_and_all_are_compared(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["simulate", "smoke", "--sweep", "users=3,5", "--repeat", "2", "--rtt", "20ms"]) == 0
    records, problems = read_records([runs])
    assert not problems
    assert sorted((record.name, record.totals.answered) for record in records) == [
        ("smoke-users-3", 3), ("smoke-users-3", 3), ("smoke-users-5", 5), ("smoke-users-5", 5)
    ]  # fmt: skip
    assert {record.simulation.round_trip_s for record in records if record.simulation} == {0.02}
    text = capsys.readouterr().out
    assert "smoke-users-3 (simulated)" in text
    assert "simulated with a round trip of 20 ms, 0.3 ms of work per request" in text


def test_an_expectation_that_fails_is_exit_code_1(runs: Path) -> None:
    assert cli.main(["simulate", "smoke", "--set", "expect=[answered < 100%]"]) == 1


def test_simulated_runs_can_be_reported_as_json(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["simulate", "smoke", "--users", "2", "--format", "json"]) == 0
    simulated = json.loads(capsys.readouterr().out)
    assert cli.main(["report", str(runs), "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out) == simulated


def test_a_policy_file_replaces_the_default_policy(runs: Path, tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text("limits: {handshake: {rate: 1/min, burst: 4}}")
    arguments = ["simulate", "smoke", "--policy", str(policy), "--set", "softphone.retry.max_retries=0"]
    assert cli.main([*arguments, "--set", "expect=[answered == 4]"]) == 0


def test_the_network_can_be_taken_from_a_run(runs: Path) -> None:
    assert cli.main(["simulate", "smoke", "--rtt", "50ms", "--jitter", "2ms", "--work", "0s"]) == 0
    (first,) = runs.iterdir()
    assert cli.main(["simulate", "smoke", "--network-of", first.name, "--jitter", "1ms"]) == 0
    records, _ = read_records([runs])
    assert [record.simulation and record.simulation.model_dump() for record in records] == [
        {"seed": 1, "round_trip_s": 0.05, "jitter_s": jitter_s, "work_s": 0.0} for jitter_s in (0.002, 0.001)
    ]


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["smok"], '"smok" is not a profile, did you mean smoke'),
        (["smoke", "--set", "usrs=3"], "--set usrs: unknown key, did you mean users?"),
        (["smoke", "--set", "users"], 'argument --set: "users" is not a key with a value, write it as users=200'),
        (["smoke", "--rtt", "20"], 'argument --rtt: "20" is not a duration'),
        (["smoke", "--network-of", "nowhere"], "nowhere: cannot be read"),
        (["smoke", "--set", "edge.setup={rate: 1}"], "smoke-setup-rate-1: edge: setup."),
    ],
)
def test_bad_input_is_explained_in_lines(
    runs: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], problem: str
) -> None:
    assert cli.main(["simulate", *arguments]) == 2
    printed = capsys.readouterr()
    assert problem in printed.err
    assert printed.out == ""
    assert not runs.exists()
