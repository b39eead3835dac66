"""``plan``: what is printed and written, a plan proved by a real run, and bad input."""

from __future__ import annotations

from pathlib import Path

import pytest

from locust_softphone import cli
from locust_softphone.config.profile_files import load_profile

TEN_PER_SECOND = "edge.limits.handshake={rate: 10/s, burst: 5}"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_planned_profile_is_written_and_holds_when_it_is_run(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["burst-500", "--users", "15", "--set", "hold=1s", "--set", TEN_PER_SECOND, "-o", "paced.yaml"]
    code = cli.main(["plan", *arguments, "--margin", "90%", "--prove"])
    printed = capsys.readouterr()
    assert code == 0, printed.out + printed.err
    assert "decides: handshake: 10/s after 5 at once; 15 need 1s; a shorter ramp fails there first" in printed.out
    assert "answered: 15, predicted 15" in printed.out
    profile = load_profile("paced.yaml", [])
    assert profile.about == (
        "burst-500-users-15-hold-1s-handshake-rate-10-s-burst-5 with the shortest ramp that holds, and a margin of "
        "90%: locust-softphone plan."
    )
    assert profile.schedule().last_start_s == pytest.approx(1.9 * 14 / 15, rel=0.1)
    assert [str(each) for each in profile.expect] == ["rate_limited == 0", "abnormal_closes == 0", "answered == 100%"]


def test_where_no_ramp_holds_it_says_what_has_to_change(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cap = "edge.limits.sessions={kind: session-cap, cap: 4}"
    assert cli.main(["plan", "burst-500", "--users", "6", "--set", cap]) == 1
    assert "sessions: session-cap, 4 at once; 6 never fit" in capsys.readouterr().out
    assert not list(folder.glob("*.yaml"))


def test_a_plan_for_the_limits_that_a_simulated_run_shows(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    retries = "softphone.retry={initial: 1s, multiplier: 1, jitter: full, max_retries: 9}"
    limited = ["--set", "edge={limits: {handshake: {rate: 20/s, burst: 40}}, max_early_retries: 1000}"]
    simulated = ["burst-500", "--users", "90", "--set", retries, *limited, "--rtt", "2ms", "--work", "1ms"]
    cli.main(["simulate", *simulated, "--repeat", "2", "--runs", "runs"])
    first, repeated = sorted(path.name for path in folder.glob("runs/*-burst-500*"))
    plan = ["plan", "burst-500", "--users", "90", "--runs", "runs", "-o", "paced.yaml"]
    capsys.readouterr()
    assert cli.main([*plan, "--from", first]) == 0
    assert "decides: handshake: " in capsys.readouterr().out
    needed_s = (90 - 40) / 20
    assert needed_s <= load_profile("paced.yaml", []).schedule().last_start_s <= 2 * needed_s
    assert cli.main(["simulate", "paced.yaml", *limited, "--runs", "runs"]) == 0
    assert cli.main([*plan, "--from", repeated]) == 2
    assert "only the first of some simulated repetitions is diagnosed; name that one" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--margin", "10"], "argument --margin: '10' is not a margin below 100%, write it as 10%"),
        (["--host", "https://edge.example"], "--host: only --prove runs anything"),
        (["--sweep", "users=1,2"], "--sweep: plan takes one profile"),
        (["-o", "nowhere/plan.yaml"], "nowhere/plan.yaml: cannot be written"),
    ],
)
def test_bad_input_is_explained_in_one_line(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], problem: str
) -> None:
    assert cli.main(["plan", "smoke", *arguments]) == 2
    assert problem in capsys.readouterr().err


def test_a_file_that_exists_is_not_replaced_unless_it_is_named(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = folder / "smoke-planned.yaml"
    file.write_text("mine")
    assert cli.main(["plan", "smoke"]) == 2
    assert file.read_text() == "mine"
    assert "smoke-planned.yaml: exists already; give -o" in capsys.readouterr().err
    assert cli.main(["plan", "smoke", "-o", str(file)]) == 0
    assert file.read_text() != "mine"
