"""Finding runs by path or by name, and naming those that cannot be read."""

from __future__ import annotations

from pathlib import Path

from locust_softphone.runs.history import read_records
from locust_softphone.runs.storage import write
from tests.runs.records import a_record


def test_runs_are_found_by_file_by_folder_and_by_a_folder_of_runs(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        write(a_record(name), tmp_path / f"20260801-{name}")

    def names(*paths: Path) -> list[str]:
        records, problems = read_records(paths)
        assert problems == []
        return [record.name for record in records]

    assert names(tmp_path) == ["a", "b", "c"]
    assert names(tmp_path / "20260801-b", tmp_path / "20260801-a/run.json") == ["b", "a"]
    assert names(tmp_path, tmp_path / "20260801-a") == ["a", "b", "c"]  # each once


def test_records_that_cannot_be_read_are_named_and_the_others_are_read(tmp_path: Path) -> None:
    write(a_record("good"), tmp_path / "good")
    cut, foreign, newer, incomplete = (tmp_path / f"{name}.json" for name in ("cut", "foreign", "newer", "incomplete"))
    cut.write_text('{"schema_version": 1, "tot')
    foreign.write_text('{"name": "package", "version": "1.0.0"}')
    newer.write_text('{"schema_version": 99, "totals": {}}')
    incomplete.write_text('{"schema_version": 1, "totals": {}}')
    empty = tmp_path / "empty"
    empty.mkdir()
    long = tmp_path / ("x" * 300)
    records, problems = read_records([cut, foreign, newer, incomplete, empty, long, tmp_path / "good"])
    assert [record.name for record in records] == ["good"]
    assert problems == [
        f"{cut}: not a run record (no valid JSON); was it cut short?",
        f"{foreign}: not a run record of locust-softphone",
        f"{newer}: schema version 99, this version of locust-softphone reads 1 to 3",
        f"{incomplete}: not a complete run record (KeyError: 'profile')",
        f"{empty}/run.json: cannot be read (No such file or directory)",
        f"{long}: cannot be read (File name too long)",
    ]
