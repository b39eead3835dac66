"""The index of the runs: the same rows as from the records, which are not read again."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from locust_softphone.cli import main
from locust_softphone.runs.index import INDEX, RunIndex, RunRow
from locust_softphone.runs.storage import write
from tests.runs.records import a_record

RECORD = a_record("burst", answered=3, expect=["answered == 100%"])


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    write(RECORD, tmp_path / "a")
    RunIndex(tmp_path).add("a", RECORD)
    return tmp_path


def test_a_row_is_found_again_by_another_process(runs: Path) -> None:
    row = RunIndex(runs).find("a")
    assert row == RunRow.of(RECORD)
    assert row is not None
    assert (row.profile, row.answered, row.planned, row.verdict) == ("burst", 3, 10, "failed")
    assert row.not_held == ("answered == 100%",)
    assert RunIndex(runs).find("b") is None


def test_a_record_that_has_changed_or_is_gone_is_not_found(runs: Path) -> None:
    record = runs / "a" / "run.json"
    os.utime(record, ns=(0, 1))
    assert RunIndex(runs).find("a") is None
    RunIndex(runs).add("a", RECORD)
    assert RunIndex(runs).find("a") is not None
    record.unlink()
    assert RunIndex(runs).find("a") is None


def test_a_line_that_is_damaged_costs_only_itself(runs: Path) -> None:
    (runs / INDEX).write_bytes(b'{"run": "a"}\n\xff\xfe[[[[\nnull\n' + (runs / INDEX).read_bytes() + b'{"run": "cut of')
    assert RunIndex(runs).find("a") is not None


def test_where_it_cannot_be_written_there_is_a_row_nevertheless(runs: Path) -> None:
    (runs / INDEX).unlink()
    (runs / INDEX).mkdir()
    assert RunIndex(runs).add("a", RECORD) == RunRow.of(RECORD)


def test_the_list_of_runs_reads_only_what_the_index_does_not_have(
    runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(a_record("other"), runs / "b")
    assert main(["report", "--runs", str(runs)]) == 0
    listed = capsys.readouterr().out
    assert [line.split()[-1] for line in listed.splitlines()] == ["a", "b"]
    for run in ("a", "b"):  # the same size and time, but nothing that could be read
        record = runs / run / "run.json"
        state = record.stat()
        record.write_bytes(b" " * state.st_size)
        os.utime(record, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert main(["report", "--runs", str(runs)]) == 0
    assert capsys.readouterr().out == listed
