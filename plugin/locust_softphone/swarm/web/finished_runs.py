"""The finished runs of the runs folder, by id; an id that is not the name of one of its folders is refused.

A list is made from the index of the folder. Records that are not in it are read, but not while this process makes load:
that takes CPU which the softphones need.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from locust_softphone.errors import InputError
from locust_softphone.report.judgement import MARKS
from locust_softphone.report.values import overridden
from locust_softphone.runs.index import RunIndex, RunRow
from locust_softphone.runs.record import RunRecord
from locust_softphone.runs.storage import RECORD, read
from locust_softphone.text import quoted

__all__ = ["FinishedRun", "FinishedRuns"]

MOST = 100
"""How many runs are listed."""

NOT_NOW = "not read during a run, because that would delay its softphones; see this page again after it"


@dataclass(frozen=True)
class FinishedRun:
    """A row of the list of finished runs.

    Args:
        id: the name of its folder, which begins with its start time.
        row: what the list says of it; None if its record was not read.
        problem: why it was not read.
    """

    id: str
    row: RunRow | None = None
    problem: str = ""

    @property
    def remarks(self) -> str:
        """Why it failed or is not valid."""
        assert self.row is not None
        return "; ".join([*self.row.reasons, *(f"{MARKS[False]} {each}" for each in self.row.not_held)])

    @property
    def in_short(self) -> str:
        """``remarks`` without the details that follow a colon."""
        assert self.row is not None
        reasons = [each.partition(": ")[0] for each in self.row.reasons]
        return "; ".join([*reasons, *(f"{MARKS[False]} {each}" for each in self.row.not_held)])

    @property
    def overridden(self) -> str:
        """What the form changed in its profile."""
        assert self.row is not None
        return overridden(self.row.now, self.row.overridden)


class FinishedRuns:
    """The finished runs in one folder.

    Args:
        folder: contains a folder for each run.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._index = RunIndex(folder)

    def newest(self, may_read: Callable[[], bool]) -> list[FinishedRun]:
        """The newest runs, the newest first.

        Args:
            may_read: whether a record that is not in the index may be read now.
        """
        self._index.refresh()
        found: list[FinishedRun] = []
        for run in self._names():
            if len(found) == MOST:
                break
            if self._is_run(run):
                found.append(self._look_at(run, may_read))
        return found

    def path(self, run_id: str) -> Path:
        """The path of a run's record.

        Raises:
            InputError: there is no such run.
        """
        if Path(run_id).name != run_id or run_id == ".." or not self._is_run(run_id):
            raise InputError(f"{quoted(run_id)} is not a run in {self._folder}")
        return self._folder / run_id / RECORD

    def record(self, run_id: str) -> RunRecord:
        """A run's record.

        Raises:
            InputError: there is no such run, or its record cannot be read.
        """
        return read(self.path(run_id))

    def _names(self) -> Iterator[str]:
        with suppress(OSError):
            yield from sorted(os.listdir(self._folder), reverse=True)

    def _is_run(self, run: str) -> bool:
        """Whether it is the folder of a run; a link, which may lead out of the folder, is not."""
        folder = self._folder / run
        record = folder / RECORD
        try:
            return record.is_file() and not record.is_symlink() and not folder.is_symlink()
        except (OSError, ValueError):  # a name that is too long, or has a NUL
            return False

    def _look_at(self, run: str, may_read: Callable[[], bool]) -> FinishedRun:
        if row := self._index.find(run):
            return FinishedRun(run, row)
        if not may_read():
            return FinishedRun(run, problem=f"{run}: {NOT_NOW}")
        try:
            return FinishedRun(run, self._index.add(run, read(self._folder / run / RECORD)))
        except InputError as error:
            return FinishedRun(run, problem=str(error))
