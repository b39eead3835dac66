"""An index of the runs in a folder, so that a list of them does not read every record.

    runs/index.jsonl    {"run": "20260801T120000.000000Z-burst-500", "size": 41234, "changed_ns": …, "row": {…}}

A line counts as long as size and time of change are those of the run's record; the last line of a run counts. Lines are
only appended, which several processes may do at once. The file can be deleted at any time: it is made again from the
records.
"""

from __future__ import annotations

from contextlib import suppress
from os import SEEK_END
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from locust_softphone.runs.record import RunRecord
from locust_softphone.runs.record_parts import RecordPart
from locust_softphone.runs.storage import RECORD

__all__ = ["INDEX", "RunIndex", "RunRow", "add_to_index"]

INDEX = "index.jsonl"
LONGEST_LINE = 64 * 1024


class RunRow(RecordPart):
    """What a list says of a run."""

    profile: str
    started: str
    target: str
    simulated: bool
    planned: int
    answered: int
    rate_limited: int
    abnormal_closes: int
    outcome: str
    level: str
    verdict: str
    aborted: bool = False
    reasons: tuple[str, ...] = ()
    not_held: tuple[str, ...] = ()
    overridden: dict[str, Any] = Field(default_factory=dict)
    now: dict[str, Any] = Field(default_factory=dict)

    @classmethod
    def of(cls, record: RunRecord) -> RunRow:
        """The row of a record."""
        return cls(
            profile=record.name,
            started=record.times.planned_start,
            target=record.target.url,
            simulated=record.target.simulated,
            planned=record.totals.planned,
            answered=record.totals.answered,
            rate_limited=record.rate_limited.get("total", 0),
            abnormal_closes=record.abnormal_closes.get("total", 0),
            outcome=record.outcome.counts,
            level=record.outcome.level,
            verdict="reproduced" if record.reproduced else record.verdict,
            aborted=record.aborted is not None,
            reasons=record.validity.reasons,
            not_held=tuple(each.text for each in record.expectations if each.held is False),
            overridden=record.overridden,
            now={key: record.profile.get(key) for key in record.overridden},
        )


class _Line(RecordPart):
    run: str
    size: int
    changed_ns: int
    row: RunRow


class RunIndex:
    """The index of one folder.

    Args:
        folder: contains a folder for each run.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lines: dict[str, _Line] = {}
        self._read = 0  # bytes of the file
        self.refresh()

    def refresh(self) -> None:
        """Read what was appended since the last time."""
        with suppress(OSError), (self._folder / INDEX).open("rb") as file:
            if file.seek(0, SEEK_END) < self._read:  # it was deleted, and made again
                self._read, self._lines = 0, {}
            file.seek(self._read)
            whole, newline, _ = file.read().rpartition(b"\n")
            self._read += len(whole) + len(newline)
            for text in whole.split(b"\n"):
                with suppress(ValidationError):  # damaged, or of another version
                    line = _Line.model_validate_json(text)
                    self._lines[line.run] = line

    def find(self, run: str) -> RunRow | None:
        """The row of the run in the folder of this name; None if its record is not in the index, or has changed."""
        line = self._lines.get(run)
        with suppress(OSError):
            if line is not None and (line.size, line.changed_ns) == _state(self._folder / run):
                return line.row
        return None

    def add(self, run: str, record: RunRecord) -> RunRow:
        """The row of a run whose record was read; it is also written to the index, if that can be."""
        row = add_to_index(self._folder / run, record)
        self.refresh()
        return row


def add_to_index(run: Path, record: RunRecord) -> RunRow:
    """Append a row for the record in a run's folder to the index beside that folder, if it can be written."""
    row = RunRow.of(record)
    with suppress(OSError):
        size, changed_ns = _state(run)
        text = f"{_Line(run=run.name, size=size, changed_ns=changed_ns, row=row).model_dump_json()}\n".encode()
        if len(text) <= LONGEST_LINE:
            with (run.parent / INDEX).open("ab", buffering=0) as file:
                file.write(text)  # at once, or the lines of several processes could mix
    return row


def _state(run: Path) -> tuple[int, int]:
    state = (run / RECORD).stat()
    return state.st_size, state.st_mtime_ns
