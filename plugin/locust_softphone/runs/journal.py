"""What a run has measured so far, on disk while it goes on, so that a run that is killed is not lost.

    runs/<run>/journal.jsonl    {"journal": 1, "run_id": …, "profile": …, "planned": […], …}    what is known at first
                                {"until_s": 1.0, "tally": {…}}                                  what was measured
                                {"until_s": 2.0, "tally": {…}}                                  and what since then

A line is written each second, with one system call, and is then the kernel's: kill -9 takes at most what was measured
since, and a last line that is cut short is left out. (A machine that loses its power may lose more: syncing the disk
each second would stop the softphones meanwhile.) Tallies add up, so a file that has grown is rewritten as one line, the
sum of all. It is locked as long as its run goes on, and removed once the run's record is whole; ``recover`` makes a
record of one that was left behind.
"""

from __future__ import annotations

import fcntl
import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from locust_softphone.errors import InputError
from locust_softphone.metrics.tally import Tally
from locust_softphone.runs.build import RunEnd, RunStart, build
from locust_softphone.runs.record import RunRecord
from locust_softphone.runs.saturation import saturation
from locust_softphone.runs.storage import RECORD, write
from locust_softphone.runs.upgrade import tally_in_current_names

__all__ = ["NAME", "Journal", "is_left_behind", "recover"]

NAME = "journal.jsonl"
VERSION = 1
REWRITTEN_AT = 32 * 1024 * 1024
"""How many bytes are appended before they are added up: what bounds the file, besides what it comes to as one line."""

_AFTER_PLAN_S = 3600
"""No run goes on for so long when its plan is over."""

_KILLED = "the run was killed; recovered up to second {:.0f}"


class Journal:
    """The journal of one run.

    Args:
        folder: the run's, which is made.
        start: what is known of the run.

    Raises:
        OSError: it cannot be written.
    """

    def __init__(self, folder: Path, start: RunStart) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / NAME
        self._head = _line({"journal": VERSION, **vars(start)})
        self._base = 0
        self._file = self._begin(self.path)

    def append(self, until_s: float, measured: Tally) -> None:
        """Add what was measured since the last time; whole or not at all.

        Raises:
            OSError: it cannot be written; the same may be tried again.
        """
        self._write(self._file, _line({"until_s": until_s, "tally": measured.to_plain()}))

    @property
    def has_grown(self) -> bool:
        """Whether it is time for ``rewrite``."""
        return self._file.tell() - self._base > REWRITTEN_AT

    def rewrite(self, until_s: float, so_far: Tally) -> None:
        """Replace all lines by one, with all that was measured so far.

        Raises:
            OSError: it cannot be written; what was there before still is.
        """
        partial = self.path.with_name(f"{NAME}.partial")
        file = self._begin(partial)
        try:
            self._write(file, _line({"until_s": until_s, "tally": so_far.to_plain()}))
            partial.replace(self.path)
        except OSError:
            file.close()
            with suppress(OSError):
                partial.unlink()
            self._base = self._file.tell()  # not again with each line
            raise
        self._file.close()
        self._file, self._base = file, file.tell()

    def close(self, *, keep: bool) -> None:
        """The run is over; ``keep`` what could not be made a record."""
        if not keep:
            with suppress(OSError):
                self.path.unlink()
        self._file.close()

    def _begin(self, path: Path) -> BinaryIO:
        file = path.open("wb", buffering=0)
        with suppress(OSError):  # not every file system has locks
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        self._write(file, self._head)
        return file

    def _write(self, file: BinaryIO, line: bytes) -> None:
        whole = file.tell()
        try:
            while line:
                line = line[file.write(line) :]  # less than all of it where the disk is nearly full
        except OSError:
            with suppress(OSError):
                file.truncate(whole)
            file.seek(whole)
            raise


def _line(content: Mapping[str, Any]) -> bytes:
    return json.dumps(content, separators=(",", ":")).encode() + b"\n"


def is_left_behind(folder: Path) -> bool:
    """Whether a run's folder has a journal but no record, and its run does not go on."""
    if (folder / RECORD).exists():
        return False
    try:
        with (folder / NAME).open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return True
    except OSError:
        return False


def recover(folder: Path) -> RunRecord:
    """Make the record of a run that was killed: not valid, with what was measured up to the last line.

    It is written beside the journal, and takes its place, unless the folder cannot be written to.

    Raises:
        InputError: the journal cannot be read.
    """
    path, measured, until_s = folder / NAME, Tally(), 0.0
    try:
        head, *lines = path.read_bytes().splitlines(keepends=True)
        known = json.loads(head)
        if known.pop("journal") != VERSION:
            raise InputError(f"{path}: a journal of another version of locust-softphone")
        start = RunStart(**known)
        for line in lines:
            if not line.endswith(b"\n"):
                break  # killed as it was written
            content = json.loads(line)
            measured.merge(Tally.from_plain(tally_in_current_names(content["tally"])))
            until_s = content["until_s"]
        if measured.last_second() > len(start.planned) + _AFTER_PLAN_S:
            raise ValueError("a second long after the plan's end: the record would have all up to it")
        record = _record(start, measured, until_s)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, ArithmeticError) as error:
        raise InputError(f"{path}: not a journal of locust-softphone ({type(error).__name__})") from None
    with suppress(InputError, OSError):
        write(record, folder)
        path.unlink()
    return record


def _record(start: RunStart, measured: Tally, until_s: float) -> RunRecord:
    saturated = saturation(measured)
    invalid = [_KILLED.format(until_s), *([saturated] if saturated else [])]
    return build(start, measured, RunEnd(after_s=until_s, ended="killed", invalid=invalid))
