"""What a run has measured, and where it is kept.

measurements ──► tally ──► run.json
        └──────► a journal line each second ──► what ``report`` recovers of a run that was killed
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import mkdtemp

import gevent

from locust_softphone.errors import InputError
from locust_softphone.metrics.tally import Tally
from locust_softphone.runs.build import RunStart
from locust_softphone.runs.index import add_to_index
from locust_softphone.runs.journal import NAME, Journal
from locust_softphone.runs.record import RunRecord
from locust_softphone.runs.storage import write

__all__ = ["RunResults"]

logger = logging.getLogger(__name__)

_JOURNAL_EVERY_S = 1.0
_REST_S = 0.01  # between two steps of a few milliseconds


class RunResults:
    """The measurements of one run, in memory and on disk.

    Args:
        folder: the run's folder.
        update: adds what has been measured since the last call.
        clock: seconds since the plan's start.
    """

    def __init__(self, folder: Path, update: Callable[[], None], clock: Callable[[], float]) -> None:
        self.tally = Tally()
        self.folder = folder
        self._unsaved = Tally()  # the part of it that is not in the journal yet
        self._journal: Journal | None = None
        self._rewriting: Iterator[None] = iter(())
        self._closed = False
        self._update = update
        self._clock = clock

    def add(self, tally: Tally) -> None:
        """Add measurements."""
        self.tally.merge(tally)
        self._unsaved.merge(tally)

    def keep_journal(self, start: RunStart) -> None:
        """Write a journal line each second until the record is saved; a full disk does not stop the run."""
        warned = False
        while not self._closed:
            try:
                if self._journal is None:
                    self._journal = Journal(self.folder, start)
                until_s = self._clock()
                self._update()
                gevent.sleep(_REST_S)
                if not self._closed:
                    self._append_to(self._journal, until_s)
                    self._rewrite_until(until_s + _JOURNAL_EVERY_S, self._journal)
            except OSError as error:
                if not warned:
                    warned = True
                    logger.warning("%s: %s: if this run is killed now, it is lost", self.folder / NAME, error.strerror)
                self._rewriting = iter(())
                gevent.sleep(_JOURNAL_EVERY_S)

    def save(self, record: RunRecord) -> Path:
        """Write the record and delete the journal.

        Raises:
            InputError: it could not be written; says where the measurements are instead.
        """
        try:
            path = write(record, self.folder)
        except InputError as error:
            raise InputError(*error.problems, self._save_elsewhere(record)) from None
        self._close_journal(keep=False)
        add_to_index(self.folder, record)
        return path

    def close(self) -> None:
        """Keep the journal if no record was saved."""
        self._close_journal(keep=True)

    def _append_to(self, journal: Journal, until_s: float) -> None:
        """Append what was added and is not in the journal yet: all up to an instant, and perhaps a little more."""
        journal.append(until_s, self._unsaved)
        self._unsaved = self.tally.continued()

    def _rewrite_until(self, until_s: float, journal: Journal) -> None:
        """Until it is time for the next line, rewrite a journal that has grown, with rests for the softphones."""
        if journal.has_grown:
            self._rewriting = journal.rewrite()
        for _ in self._rewriting:
            gevent.sleep(_REST_S)
            if self._closed or self._clock() >= until_s:
                return
        gevent.sleep(max(until_s - self._clock(), 0.0))

    def _save_elsewhere(self, record: RunRecord) -> str:
        """Write the record to a temporary folder, and say where; or how to recover it from the journal."""
        with suppress(InputError, OSError):
            path = write(record, Path(mkdtemp(prefix="softphone-")) / self.folder.name)
            self._close_journal(keep=False)
            return f"it is in {path} instead"
        return f"recover it from its journal: locust-softphone report {self.folder}"

    def _close_journal(self, *, keep: bool) -> None:
        journal, self._journal, self._closed = self._journal, None, True
        if journal is not None:
            with suppress(OSError):
                if keep:
                    until_s = self._clock()
                    self._update()
                    self._append_to(journal, until_s)
            journal.close(keep=keep)
