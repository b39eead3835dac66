"""The command ``report``: comparisons of finished runs, the list of runs, and its exit codes."""

from __future__ import annotations

from pathlib import Path

import pytest

from locust_softphone.cli import main
from locust_softphone.runs.record import RunRecord
from locust_softphone.runs.storage import write
from tests.runs.records import a_record


def test_a_report_compares_the_runs_of_a_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(a_record("burst", answered=4, limited={"offer": 6}), tmp_path / "1-burst")
    write(a_record("paced", ramp="1s"), tmp_path / "2-paced")
    assert main(["report", str(tmp_path)]) == 0
    said = capsys.readouterr()
    assert "\nburst " in said.out
    assert "- Only paced had every softphone answered" in said.out
    assert said.err == ""


@pytest.mark.parametrize(
    ("records", "exit_code"),
    [
        ([a_record()], 0),
        ([a_record(), a_record(answered=4, expect=["answered == 100%"])], 1),
        ([a_record(invalid=["stopped"]), a_record(answered=4, expect=["answered == 100%"])], 3),
    ],
)
def test_a_report_has_the_most_serious_exit_code_of_its_runs(
    records: list[RunRecord], exit_code: int, tmp_path: Path
) -> None:
    for number, record in enumerate(records):
        write(record, tmp_path / str(number))
    assert main(["report", str(tmp_path)]) == exit_code


def test_a_profile_stands_for_its_newest_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for stamp, answered in (("20260801T120000.000000Z", 3), ("20260802T120000.000000Z", 7)):
        write(a_record("paced-50", answered=answered), tmp_path / f"{stamp}-paced-50")
    assert main(["report", "paced-50", "--runs", str(tmp_path)]) == 0
    assert capsys.readouterr().out.startswith("paced-50: 7 of 10 answered")
    assert main(["report", "paced", "--runs", str(tmp_path)]) == 2
    assert "locust-softphone report lists them" in capsys.readouterr().err


def test_a_report_names_unreadable_runs_and_shows_the_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(a_record("good"), tmp_path / "good")
    assert main(["report", str(tmp_path / "missing"), str(tmp_path / "good")]) == 2
    said = capsys.readouterr()
    assert said.out.startswith("good: 10 of 10 answered\n")
    assert said.err == f"{tmp_path}/missing: cannot be read (No such file or directory)\n"


def test_a_run_can_be_named_by_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("a", "b", "c"):
        write(a_record(name), tmp_path / "runs" / f"20260801-{name}")
    monkeypatch.chdir(tmp_path)
    assert main(["report", "20260801-a", "runs/20260801-b"]) == 0
    said = capsys.readouterr().out
    assert "\na " in said
    assert "\nb " in said
    assert "\nc " not in said


def test_without_names_the_runs_are_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write(a_record("paced", ramp="1s"), tmp_path / "2-paced")
    write(a_record("burst", answered=4, expect=["answered == 100%"]), tmp_path / "1-burst")
    write(a_record("real", simulated=False, url="https://edge.example", invalid=["?"]), tmp_path / "3-real")
    write(a_record("cut", aborted_by="rate_limited == 0"), tmp_path / "4-cut")
    (tmp_path / "5-comparison").mkdir()
    (tmp_path / "5-comparison" / "1-paced").symlink_to("../2-paced")
    assert main(["report", "--runs", str(tmp_path)]) == 0
    assert (
        capsys.readouterr().out
        == """\
2026-08-01 12:00:00Z  burst  simulated             4 of 10 answered   failed           1-burst
2026-08-01 12:00:00Z  cut    simulated             10 of 10 answered  failed, aborted  4-cut
2026-08-01 12:00:00Z  paced  simulated             10 of 10 answered  passed           2-paced
2026-08-01 12:00:00Z  real   https://edge.example  10 of 10 answered  invalid          3-real
"""
    )
    monkeypatch.setenv("LOCUST_SOFTPHONE_RUNS", str(tmp_path / "5-comparison"))
    assert main(["report"]) == 0
    assert capsys.readouterr().out.endswith("passed  1-paced\n")


def test_a_list_names_unreadable_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", "--runs", str(tmp_path)]) == 0
    assert capsys.readouterr().out == f"no runs in {tmp_path}; make one with locust-softphone run smoke\n"
    write(a_record("good"), tmp_path / "good")
    for name, text in (("cut", '{"schema_version": 2, "tot'), ("incomplete", '{"schema_version": 2, "totals": {}}')):
        (tmp_path / name).mkdir()
        (tmp_path / name / "run.json").write_text(text)
    assert main(["report", "--runs", str(tmp_path)]) == 2
    said = capsys.readouterr()
    assert said.out.endswith("passed  good\n")
    assert said.err == (
        f"{tmp_path}/cut/run.json: not a run record (no valid JSON); was it cut short?\n"
        f"{tmp_path}/incomplete/run.json: not a complete run record (KeyError: 'profile')\n"
    )
