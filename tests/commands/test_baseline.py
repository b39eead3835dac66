"""Stored baselines, and the exit codes of ``report --against``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from locust_softphone.cli import main
from locust_softphone.runs.storage import read, write
from tests.runs.records import a_record


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def make_runs(folder: str, answered: Sequence[int]) -> None:
    for number, count in enumerate(answered):
        write(a_record("burst", users=100, answered=count), Path(folder, str(number)))


@pytest.mark.parametrize(
    ("now", "exit_code"), [((98, 99), 0), ((50, 51), 1), ((50,), 3)], ids=["not worse", "worse", "cannot tell"]
)
def test_the_exit_code_against_a_stored_baseline(now: Sequence[int], exit_code: int) -> None:
    make_runs("before", (98, 99))
    make_runs("now", now)
    assert main(["baseline", "save", "main", "before"]) == 0
    assert main(["report", "now", "--against", "main"]) == exit_code
    assert main(["report", "now", "--against", "before"]) == exit_code


def test_a_baseline_has_the_newest_comparison_without_its_attempts(capsys: pytest.CaptureFixture[str]) -> None:
    make_runs("runs/20260801T120000.000000Z-comparison", (98, 99))
    make_runs("runs/20260802T120000.000000Z-comparison", (50,))
    assert main(["baseline", "save", "main"]) == 0
    make_runs("runs/20260803T120000.000000Z-comparison", (60, 61, 62))
    assert main(["baseline", "save", "main"]) == 0  # replaces it
    assert capsys.readouterr().out.splitlines()[-1] == "baselines/main: 3 runs of burst"
    records = [read(path) for path in sorted(Path("baselines/main").glob("*"))]
    assert [record.totals.answered for record in records] == [60, 61, 62]
    assert all(not record.observations for record in records)
    assert main(["baseline", "list"]) == 0
    assert capsys.readouterr().out == "main\n"


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["baseline", "save"], "locust-softphone baseline save: needs a NAME, such as main"),
        (["baseline", "save", "../x", "good"], '"../x" cannot be a baseline\'s name'),
        (["baseline", "save", "main"], "runs: no comparison there; name the runs to store"),
        (["baseline", "save", "main", "bad"], "20260801T120000.000000Z-burst: this run is not valid"),
        (["report", "good", "--against", "mian"], '--against "mian": neither a run nor a baseline, there are none'),
        (["report", "good", "--tolerance", "5%"], "--tolerance: needs --against, which names the baseline"),
        (["report", "good", "--against", "good", "--tolerance", "5"], "must be a percentage such as 5%"),
        (["report", "--against", "good"], "--against good: needs the names of the runs to compare with it"),
    ],
)
def test_wrong_input(arguments: list[str], problem: str, capsys: pytest.CaptureFixture[str]) -> None:
    make_runs("good", (98,))
    write(a_record("burst", invalid=["stopped"]), Path("bad"))
    assert main(arguments) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert problem in line
