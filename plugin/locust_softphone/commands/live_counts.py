"""What a run in another process has counted so far, read from its journal, which grows by a line each second."""

from __future__ import annotations

import json
from collections import Counter
from contextlib import suppress
from pathlib import Path

from locust_softphone.runs.journal import NAME

__all__ = ["LiveCounts"]


class LiveCounts:
    """Follows the journal of the run that goes on in a folder of runs.

    Args:
        runs: the folder of runs.
        since: only runs whose name is later than this one are followed; names begin with the start time.
    """

    def __init__(self, runs: Path, since: str) -> None:
        self._runs = runs
        self._since = since
        self._path: Path | None = None
        self._inode = 0
        self._read = 0
        self._counts: Counter[str] = Counter()

    def __call__(self) -> str:
        """The counts in a few words, ``120 answered, 340 × 429, 12 gave up``; empty if no run goes on."""
        with suppress(OSError):
            if self._path is None or not self._path.exists():
                self._path = self._newest()
            if self._path is not None:
                self._catch_up(self._path)
        if self._path is None:
            return ""
        limited = sum(n for name, n in self._counts.items() if name.endswith(".rate_limited"))
        gave_up = self._counts["gave_up"]
        parts = [f"{self._counts['answered']} answered"]
        parts += [f"{limited} × 429"] if limited else []
        parts += [f"{gave_up} gave up"] if gave_up else []
        return ", ".join(parts)

    def _newest(self) -> Path | None:
        folders = (path for path in self._runs.iterdir() if path.name > self._since)
        return max((path / NAME for path in folders if (path / NAME).exists()), default=None)

    def _catch_up(self, path: Path) -> None:
        """Add the lines since the last call; all of them if the file is another one, because it was rewritten."""
        with path.open("rb") as file:
            if (inode := path.stat().st_ino) != self._inode:
                self._inode, self._read = inode, 0
                self._counts.clear()
            file.seek(self._read)
            for line in file:
                if not line.endswith(b"\n"):
                    break
                self._read += len(line)
                self._counts.update(json.loads(line).get("tally", {}).get("counts", {}))
