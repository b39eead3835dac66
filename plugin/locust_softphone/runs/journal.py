"""A run's measurements on disk while it goes on, so that a run that is killed is not lost.

    runs/<run>/journal.jsonl    {"journal": 1, "run_id": …, "profile": …, "planned": […], …}    the run's start
                                {"until_s": 1.0, "tally": {…}}                                  measured in one second
                                {"until_s": 2.0, "tally": {…}}                                  measured in the next

One line is appended each second, with one system call. kill -9 loses only what was measured since the last line; an
incomplete last line is ignored. A power failure may lose more: the file is not synced to the disk each second, which
would delay the softphones. It is locked while its run goes on, and deleted once the run's record is written.
``recover`` makes a record of a journal that was left behind.

A file that has grown large is rewritten in small steps, between which the softphones go on and lines are appended:

    journal.jsonl           head  line 1 … line n   line n+1 … (appended meanwhile)
                                  └── added up ──┐  └───────┐
    journal.jsonl.partial   head  sum, in parts  ┘  copied  ┘     ──► takes the place of the other
"""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator, Mapping
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
"""How many bytes are appended before the file is rewritten."""

_COPIED = 1024 * 1024
"""How many bytes are copied in one step."""

_AFTER_PLAN_S = 3600
"""No run lasts this much longer than its plan."""

_KILLED = "the run was killed; recovered up to second {:.0f}"


class Journal:
    """The journal of one run.

    Args:
        folder: the run's folder, which is created.
        start: what is known of the run.

    Raises:
        OSError: it cannot be written.
    """

    def __init__(self, folder: Path, start: RunStart) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / NAME
        self._head = _line({"journal": VERSION, **vars(start)})
        self._base = 0
        self._closed = False
        self._partial = folder / f"{NAME}.partial"
        self._file = self._begin(self.path)

    def append(self, until_s: float, measured: Tally) -> None:
        """Append what was measured since the last call, whole or not at all.

        Raises:
            OSError: it cannot be written; the call may be repeated.
        """
        self._write(self._file, _line({"until_s": until_s, "tally": measured.to_plain()}))

    @property
    def has_grown(self) -> bool:
        """Whether it is time for ``rewrite``."""
        return self._file.tell() - self._base > REWRITTEN_AT

    def rewrite(self) -> Iterator[None]:
        """Replace the lines by their sum, in steps of a few milliseconds; lines may be appended between two steps.

        Raises:
            OSError: it cannot be written; the old file is unchanged.
        """
        size = self._base = self._file.tell()  # if it fails, it is not tried again at each line
        new: BinaryIO | None = None
        try:
            with self.path.open("rb") as old:
                new = self._begin(self._partial)
                until_s, so_far = 0.0, Tally()
                old.readline()
                while old.tell() < size:
                    content = json.loads(old.readline())
                    until_s = content["until_s"]
                    so_far.merge(Tally.from_plain(content["tally"]))
                    yield
                    if self._closed:
                        return
                for part in so_far.parts():
                    self._write(new, _line({"until_s": until_s, "tally": part.to_plain()}))
                    yield
                    if self._closed:
                        return
                base = new.tell()
                while appended := old.read(min(self._file.tell() - old.tell(), _COPIED)):
                    self._write(new, appended)
                    if len(appended) == _COPIED:
                        yield
                        if self._closed:
                            return
                self._partial.replace(self.path)
                self._file.close()
                self._file, self._base, new = new, base, None
        finally:
            if new is not None:
                new.close()
                with suppress(OSError):
                    self._partial.unlink()

    def close(self, *, keep: bool) -> None:
        """The run is over: delete the journal, or ``keep`` it if no record was written."""
        self._closed = True
        for path in (self._partial,) if keep else (self._partial, self.path):
            with suppress(OSError):
                path.unlink()
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
    """Make the record of a run that was killed: not valid, with what was measured up to the last whole line.

    The record replaces the journal, unless the folder cannot be written to.

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
                break  # the run was killed while writing it
            content = json.loads(line)
            measured.merge(Tally.from_plain(tally_in_current_names(content["tally"])))
            until_s = content["until_s"]
        if measured.last_second() > len(start.planned) + _AFTER_PLAN_S:
            raise ValueError(
                "a second long after the plan's end, up to which the record would have a row for each second"
            )
        record = _record(start, measured, until_s)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, ArithmeticError) as error:
        raise InputError(f"{path}: not a journal of locust-softphone ({type(error).__name__})") from None
    with suppress(InputError, OSError):
        write(record, folder)
        path.with_name(f"{NAME}.partial").unlink(missing_ok=True)
        path.unlink()
    return record


def _record(start: RunStart, measured: Tally, until_s: float) -> RunRecord:
    saturated = saturation(measured)
    invalid = [_KILLED.format(until_s), *([saturated] if saturated else [])]
    return build(start, measured, RunEnd(after_s=until_s, ended="killed", invalid=invalid))
