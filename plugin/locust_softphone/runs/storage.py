"""Reads and writes ``run.json``: what cannot be used is refused here, in one line."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path
from stat import S_ISREG
from typing import Any

from pydantic import ValidationError

from locust_softphone.errors import InputError
from locust_softphone.runs.record import SCHEMA_VERSION, RunRecord
from locust_softphone.runs.upgrade import upgraded
from locust_softphone.text import one_line

__all__ = ["RECORD", "check_writable", "parse", "read", "write"]

RECORD = "run.json"

LARGEST_RECORD = 256 * 1024 * 1024
"""Of a run of about a week. Reading a record takes eleven times its size in memory."""


def check_writable(folder: Path) -> None:
    """Check that records can be written into a folder, before a run is begun whose record could be lost.

    Raises:
        InputError: it cannot be written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        empty = folder / ".writable"
        empty.touch()
        empty.unlink()
    except OSError as error:
        raise InputError(f"--softphone-runs {folder}: cannot be written to ({error.strerror})") from None


def write(record: RunRecord, folder: Path) -> Path:
    """Write the record into a folder, whole or not at all.

    Raises:
        InputError: the folder cannot be written to, or the disk is full.
    """
    path, partial = folder / RECORD, folder / f"{RECORD}.partial"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with partial.open("w", encoding="utf-8") as file:
            file.write(record.to_json())
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        with suppress(OSError):
            partial.unlink()
        raise InputError(f"{path}: the run record cannot be written ({error.strerror}); see --softphone-runs") from None
    return path


def read(path: Path) -> RunRecord:
    """Read a record; ``path`` may be the run's folder.

    Raises:
        InputError: there is no such file, or ``parse`` refuses it.
    """
    file = path / RECORD if path.is_dir() else path
    try:
        state = file.stat()
        if not S_ISREG(state.st_mode):
            raise InputError(f"{file}: not a run record (not a file)")
        if state.st_size > LARGEST_RECORD:
            raise InputError(
                f"{file}: {state.st_size >> 20} MB, and a run record is read up to {LARGEST_RECORD >> 20} MB"
            )
        plain = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{file}: cannot be read ({error.strerror})") from None
    except (ValueError, RecursionError):
        raise InputError(f"{file}: not a run record (no valid JSON); was it cut short?") from None
    try:
        return parse(plain)
    except InputError as error:
        raise InputError(f"{file}: {error}") from None


def parse(plain: Any) -> RunRecord:
    """The record that a JSON value describes, of this schema version or an older one.

    Raises:
        InputError: it is not a run record, is of an unknown version, or something in it is missing or wrong.
    """
    if not isinstance(plain, dict) or "schema_version" not in plain or "totals" not in plain:
        raise InputError("not a run record of locust-softphone")
    version = plain["schema_version"]
    if isinstance(version, bool) or version not in range(1, SCHEMA_VERSION + 1):
        found = one_line(str(version))
        raise InputError(f"schema version {found}, this version of locust-softphone reads 1 to {SCHEMA_VERSION}")
    try:
        return RunRecord.model_validate(plain if version == SCHEMA_VERSION else upgraded(plain))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        problem = f"{'.'.join(map(str, first['loc'])) or 'the record'}: {first['msg']}"
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
        problem = f"{type(error).__name__}: {error}"
    raise InputError(f"not a complete run record ({one_line(problem)})")
