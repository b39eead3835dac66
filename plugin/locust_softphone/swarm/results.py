"""What a run has measured, and where it is kept: in memory, in a journal each second, and in the end in a record.

comes in ──► tally ──► run.json
       └───► a line of the journal each second ──► what ``report`` finds of a run that was killed
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import gevent

from locust_softphone.errors import InputError
from locust_softphone.metrics.tally import Tally
from locust_softphone.runs.journal import NAME as JOURNAL
from locust_softphone.runs.journal import Journal, RunStart
from locust_softphone.runs.record import write

__all__ = ["RunResults"]

logger = logging.getLogger(__name__)

_JOURNAL_EVERY_S = 1.0


class RunResults:
    """What one run has measured.

    Args:
        folder: the run's.
        take_in: adds what has come in since the last time.
        clock: seconds since the plan's start.
    """

    def __init__(self, folder: Path, take_in: Callable[[], None], clock: Callable[[], float]) -> None:
        self.tally = Tally()
        self._unsaved = Tally()  # the part of it that the journal has not
        self._journal: Journal | None = None
        self._folder = folder
        self._take_in = take_in
        self._clock = clock

    def add(self, tally: Tally) -> None:
        """This has been measured too."""
        self.tally.merge(tally)
        self._unsaved.merge(tally)

    def keep_journal(self, start: RunStart) -> None:
        """Write down each second what came in during it, until there is a record; a full disk does not stop the run."""
        try:
            self._journal = journal = Journal(self._folder, start)
        except OSError as error:
            logger.warning("%s: %s: if this run is killed, it is lost", self._folder / JOURNAL, error.strerror)
            return
        warned = False
        while self._journal is journal:
            try:
                self._write_down(journal)
            except OSError as error:
                if not warned:
                    warned = True
                    logger.warning("%s: %s: if this run is killed now, it is lost", journal.path, error.strerror)
            gevent.sleep(_JOURNAL_EVERY_S)

    def save(self, record: dict[str, Any]) -> Path:
        """Write the record, and let the journal go.

        Raises:
            InputError: it could not be written, and where what was measured is instead.
        """
        try:
            path = write(record, self._folder)
        except InputError as error:
            raise InputError(*error.problems, self._saved_instead(record)) from None
        self._close_journal(keep=False)
        return path

    def close(self) -> None:
        """Leave the journal if there is no record."""
        self._close_journal(keep=True)

    def _write_down(self, journal: Journal) -> None:
        self._take_in()
        journal.append(self._clock(), self._unsaved)
        self._unsaved = Tally()
        if journal.has_grown:
            journal.rewrite(self._clock(), self.tally)

    def _saved_instead(self, record: dict[str, Any]) -> str:
        with suppress(InputError, OSError):
            path = write(record, Path(mkdtemp(prefix="softphone-")) / self._folder.name)
            self._close_journal(keep=False)
            return f"it is in {path} instead"
        return f"what its journal has of it: locust-softphone report {self._folder}"

    def _close_journal(self, *, keep: bool) -> None:
        journal, self._journal = self._journal, None
        if journal is not None:
            with suppress(OSError):
                if keep:
                    self._write_down(journal)
            journal.close(keep=keep)
