"""The finished runs of the runs folder, by id; an id that is not the name of one of its folders is refused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import gevent

from locust_softphone.errors import InputError
from locust_softphone.report.arms import remarks
from locust_softphone.report.judgement import expectation_lines
from locust_softphone.report.values import overridden
from locust_softphone.runs.record import RunRecord
from locust_softphone.runs.storage import read
from locust_softphone.text import quoted

__all__ = ["FinishedRun", "FinishedRuns"]

MOST = 100
"""How many runs are listed."""


@dataclass(frozen=True)
class FinishedRun:
    """A row of the list of finished runs.

    Args:
        id: the name of its folder, which begins with its start time.
        problem: why the record cannot be read, and the rest is empty; else empty.
        profile: the name of its profile.
        started: its start time, as ISO 8601 in UTC.
        target: its edge.
        verdict: passed, failed or invalid; reproduced for a run that showed the failure that its profile is about.
        metrics: its metrics by name.
        remarks: why it failed or is not valid, and other remarks.
        overridden: what the form changed in its profile.
        outcome: how many softphones were answered, in words, and the style of that.
    """

    id: str
    problem: str = ""
    profile: str = ""
    started: str = ""
    target: str = ""
    verdict: str = ""
    metrics: Mapping[str, float | None] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()
    overridden: str = ""
    outcome: tuple[str, str] = ("", "")


class FinishedRuns:
    """The finished runs in one folder. Each record is read once: reading takes CPU that a run in this process may need.

    Args:
        folder: contains a folder for each run.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[Path, tuple[float, FinishedRun]] = {}

    def newest(self) -> list[FinishedRun]:
        """The newest runs, the newest first."""
        paths = sorted(self._records(), key=lambda path: path.parent.name, reverse=True)
        return [self._look_at(path) for path in paths[:MOST]]

    def path(self, run_id: str) -> Path:
        """The path of a run's record.

        Raises:
            InputError: there is no such run.
        """
        for path in self._records():
            if path.parent.name == run_id:
                return path
        raise InputError(f"{quoted(run_id)} is not a run in {self._folder}")

    def record(self, run_id: str) -> RunRecord:
        """A run's record.

        Raises:
            InputError: there is no such run, or its record cannot be read.
        """
        return read(self.path(run_id))

    def _records(self) -> Iterator[Path]:
        """The records in the folder, without links that lead out of it."""
        inside = self._folder.resolve()
        return (path for path in self._folder.glob("*/run.json") if path.resolve().parent.parent == inside)

    def _look_at(self, path: Path) -> FinishedRun:
        try:
            written = path.stat().st_mtime
            if path not in self._known or self._known[path][0] != written:
                gevent.sleep(0)
                self._known[path] = (written, _row(path.parent.name, read(path)))
            return self._known[path][1]
        except InputError as error:
            return FinishedRun(path.parent.name, problem=str(error))
        except OSError as error:
            return FinishedRun(path.parent.name, problem=f"{path}: cannot be read ({error.strerror})")


def _row(run_id: str, record: RunRecord) -> FinishedRun:
    return FinishedRun(
        run_id,
        profile=record.name,
        started=record.times.planned_start,
        target="simulated edge" if record.target.simulated else record.target.url,
        verdict="reproduced" if record.reproduced else record.verdict,
        metrics=record.metrics,
        remarks=(*expectation_lines(record), *remarks(record)),
        overridden=overridden(record.profile, record.overridden),
        outcome=(record.outcome.counts, record.outcome.level),
    )
