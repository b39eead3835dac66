"""Reading and writing run.json: whole or not at all, and every refusal in one line."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from locust_softphone.errors import InputError
from locust_softphone.runs.record import SCHEMA_VERSION
from locust_softphone.runs.storage import LARGEST_RECORD, read, write
from tests.runs.records import a_record

ROOT = Path(__file__).parents[2]


def test_a_record_that_was_written_is_read_back(tmp_path: Path) -> None:
    record = a_record(expect=["answered == 50%"])
    folder = tmp_path / "runs" / record.run_id
    path = write(record, folder)
    assert path == folder / "run.json"
    assert read(path) == read(folder) == record
    assert [each.name for each in folder.iterdir()] == ["run.json"]


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("a file")
    with pytest.raises(InputError) as caught:
        write(a_record(), tmp_path / "runs" / "smoke")
    assert str(caught.value) == (
        f"{tmp_path}/runs/smoke/run.json: the run record cannot be written (Not a directory); see --softphone-runs"
    )


WRITE_WITH_NO_ROOM = """
import resource, sys
from pathlib import Path
from locust_softphone.errors import InputError
from locust_softphone.runs.storage import write
from tests.runs.records import a_record

resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
try:
    write(a_record(invalid=["x" * 10_000]), Path(sys.argv[1]))
except InputError as error:
    print(error)
"""


def test_a_full_disk_leaves_the_earlier_record_and_nothing_else(tmp_path: Path) -> None:
    earlier = a_record("earlier")
    write(earlier, tmp_path)
    said = subprocess.check_output(
        [sys.executable, "-c", WRITE_WITH_NO_ROOM, str(tmp_path)], text=True, timeout=30, cwd=ROOT
    )
    path = tmp_path / "run.json"
    assert said == f"{path}: the run record cannot be written (File too large); see --softphone-runs\n"
    assert read(path) == earlier
    assert [each.name for each in tmp_path.iterdir()] == ["run.json"]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "not a run record (no valid JSON); was it cut short?"),
        (b'{"schema_version": 1, "totals": {"pla', "not a run record (no valid JSON); was it cut short?"),
        (b"\xff\xfe{}", "not a run record (no valid JSON); was it cut short?"),
        (b"[" * 100_000, "not a run record (no valid JSON); was it cut short?"),
        (b"[]", "not a run record of locust-softphone"),
        (b"null", "not a run record of locust-softphone"),
        (b'{"name": "some-package", "version": "1.0"}', "not a run record of locust-softphone"),
        (b'{"schema_version": 1}', "not a run record of locust-softphone"),
        (
            b'{"schema_version": 4, "totals": {}}',
            f"schema version 4, this version of locust-softphone reads 1 to {SCHEMA_VERSION}",
        ),
        (
            b'{"schema_version": "\\n2", "totals": {}}',
            f"schema version \\n2, this version of locust-softphone reads 1 to {SCHEMA_VERSION}",
        ),
        (b'{"schema_version": 1, "totals": {}}', "not a complete run record (KeyError: 'profile')"),
        (b'{"schema_version": 3, "totals": {}}', "not a complete run record (run_id: Field required)"),
    ],
)
def test_a_file_that_is_not_a_record_is_refused(tmp_path: Path, content: bytes, problem: str) -> None:
    (tmp_path / "run.json").write_bytes(content)
    with pytest.raises(InputError, match=f"^{re.escape(f'{tmp_path}/run.json: {problem}')}$"):
        read(tmp_path)


def test_a_folder_without_a_record_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=re.escape("cannot be read (No such file or directory)")):
        read(tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_what_is_too_large_or_not_a_file_is_not_read(tmp_path: Path) -> None:
    """A record of 200 MB takes 16 s and 2.3 GB; a pipe would be waited for."""
    with (tmp_path / "large.json").open("wb") as large:
        large.truncate(LARGEST_RECORD + (1 << 20))
    os.mkfifo(tmp_path / "pipe.json")
    with pytest.raises(InputError, match=r"large\.json: 257 MB, and a run record is read up to 256 MB"):
        read(tmp_path / "large.json")
    with pytest.raises(InputError, match=r"pipe.json: not a run record \(not a file\)"):
        read(tmp_path / "pipe.json")
