"""Stored baselines: the runs that later runs are compared with, under a name of their own.

    baselines/main/1/run.json

The records are stored without their single attempts, which a comparison does not need: a few 10 KB for each run, small
enough for a repository or a CI system's cache.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from shutil import rmtree

from locust_softphone.errors import InputError
from locust_softphone.runs import storage
from locust_softphone.runs.record import RunRecord
from locust_softphone.text import quoted

__all__ = ["NAME", "find_baseline", "list_baselines", "save_baseline"]

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", re.ASCII)
"""What a baseline can be called."""


def save_baseline(name: str, records: Sequence[RunRecord], folder: Path) -> Path:
    """Store runs under a name, in place of those that were stored under it before; returns their folder.

    Raises:
        InputError: the name cannot be used, or the folder cannot be written to.
    """
    if not NAME.fullmatch(name):
        raise InputError(f"{quoted(name)} cannot be a baseline's name: use letters, digits, dots, dashes, underscores")
    target, partial, old = folder / name, folder / f".{name}.partial", folder / f".{name}.old"
    try:
        for left_over in (partial, old):
            rmtree(left_over, ignore_errors=True)
        for number, record in enumerate(records, 1):
            storage.write(record.model_copy(update={"observations": {}}), partial / str(number))
        with suppress(FileNotFoundError):
            target.rename(old)
        partial.rename(target)
        rmtree(old, ignore_errors=True)
    except OSError as error:
        raise InputError(f"{target}: the baseline cannot be written ({error.strerror})") from None
    return target


def find_baseline(name: str, folder: Path) -> Path | None:
    """The folder of a stored baseline, or None."""
    target = folder / name
    return target if NAME.fullmatch(name) and target.is_dir() else None


def list_baselines(folder: Path) -> list[str]:
    """The names of the stored baselines."""
    return sorted(path.name for path in folder.glob("*") if path.is_dir() and NAME.fullmatch(path.name))
