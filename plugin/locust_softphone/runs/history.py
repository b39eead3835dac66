"""Finds finished runs by path or by name, and lists them. Records that cannot be read are named, the others are read.

runs/20260801T120000.000000Z-burst-500/run.json         a run: its name is the folder's
runs/20260801T120500.000000Z-comparison/1-burst-500     a link to one of a comparison's
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from locust_softphone.errors import InputError
from locust_softphone.runs.index import RunIndex, RunRow
from locust_softphone.runs.journal import NAME as JOURNAL
from locust_softphone.runs.journal import is_left_behind, recover
from locust_softphone.runs.record import RunRecord
from locust_softphone.runs.storage import RECORD, read

__all__ = ["find", "listing", "read_or_recover", "read_records"]


def find(name: str, runs: Path) -> Path:
    """The path that a name stands for: itself if it exists, or that run in the folder, or a profile's newest."""
    path, inside = Path(name), runs / name
    try:
        if path.exists():
            return path
        of_profile = [each.parent for each in runs.glob(f"*/{RECORD}") if each.parent.name.partition("-")[2] == name]
        return inside if inside.exists() else max(of_profile, default=path)
    except OSError:
        return path


def read_records(paths: Iterable[Path]) -> tuple[list[RunRecord], list[str]]:
    """The records at these paths (files, run folders, or folders of runs), and a line for each that cannot be read."""
    records, problems = [], []
    for path in _all_records(paths):
        try:
            records.append(read_or_recover(path))
        except (InputError, OSError) as error:
            problems += _complaints(path, error)
    return records, problems


def listing(folder: Path) -> tuple[list[str], list[str]]:
    """A line for each run in a folder, oldest first, and one for each that cannot be read.

    Raises:
        InputError: there is no such folder.
    """
    if not folder.is_dir():
        raise InputError(
            f"{folder}: no such folder; make a run with locust-softphone run smoke, or name the folder by --runs DIR"
        )
    rows: list[tuple[str, ...]] = []
    problems: list[str] = []
    index = RunIndex(folder)
    for path in _all_records([folder]):
        if path == folder:
            continue  # the folder has no runs
        try:
            row = index.find(path.name) or index.add(path.name, read_or_recover(path))
            rows.append(_cells(row, path.name))
        except (InputError, OSError) as error:
            problems += _complaints(path, error)
    rows.sort()
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows], (
        problems
    )


def _cells(row: RunRow, name: str) -> tuple[str, ...]:
    """Date, profile, target, answered, verdict, and the name to give to ``report``."""
    date = row.started[:19].replace("T", " ") + "Z"
    aborted = ", aborted" if row.aborted else ""
    target = "simulated" if row.simulated else row.target
    return (date, row.profile, target, f"{row.answered} of {row.planned} answered", row.verdict + aborted, name)


def read_or_recover(path: Path) -> RunRecord:
    """The record at ``path``, or one made of the journal that was left behind there.

    Raises:
        InputError: there is neither, or the run is not over.
    """
    if is_left_behind(path):
        return recover(path)
    if (path / JOURNAL).exists() and not (path / RECORD).exists():
        raise InputError(f"{path}: this run is not over yet")
    return read(path)


def _complaints(path: Path, error: InputError | OSError) -> list[str]:
    if path.name == str(path) and not path.exists():
        return [f"{path}: no such run, and no run of such a profile; locust-softphone report lists them"]
    if isinstance(error, OSError):
        return [f"{path}: cannot be read ({error.strerror})"]
    return [line if line.startswith(str(path)) else f"{path}: {line}" for line in error.problems]


def _all_records(paths: Iterable[Path]) -> list[Path]:
    """The records at these paths, each once."""
    records = [record for path in paths for record in _records(path)]
    return list({record.resolve(): record for record in records}.values())


def _records(path: Path) -> list[Path]:
    """The records at a path; the path itself if there is none, which reading it then reports."""
    try:
        if (path / RECORD).exists() or is_left_behind(path):
            return [path]
        left_behind = [file.parent for file in path.glob(f"*/{JOURNAL}") if is_left_behind(file.parent)]
        return sorted([*(file.parent for file in path.glob(f"*/{RECORD}")), *left_behind]) or [path]
    except OSError:
        return [path]
