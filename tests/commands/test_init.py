"""``locust-softphone init``: the files can be used as they are, and no file is overwritten."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from locust_softphone.cli import main
from locust_softphone.config.profile_files import load_profile
from locust_softphone.edge import load_policy
from locust_softphone.schemas.files import SCHEMAS

FILES = ["locustfile.py", "my-profile.yaml", "policy.yaml", "schemas/policy.schema.json", "schemas/profile.schema.json"]


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_the_files_can_be_used_as_they_are(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "load test"
    assert main(["init", str(folder)]) == 0
    assert files(folder) == FILES
    assert capsys.readouterr().out.endswith(
        f"\nrun it: cd '{folder}' && locust-softphone run my-profile.yaml --policy policy.yaml\n"
    )
    assert load_profile(folder / "my-profile.yaml", []).name == "my-profile"
    load_policy(folder / "policy.yaml")
    compile((folder / "locustfile.py").read_text(), "locustfile.py", "exec")


@pytest.mark.parametrize(("name", "kind"), [("my-profile.yaml", "profile"), ("policy.yaml", "policy")])
def test_an_editor_finds_the_schema_of_a_file(
    name: str, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    main(["init"])
    (schema,) = re.findall(r"(?m)^# yaml-language-server: \$schema=(\S+)$", Path(name).read_text())
    assert Path(schema).read_text() == SCHEMAS[kind].read_text()


def test_no_file_is_overwritten_and_none_is_added(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "policy.yaml").write_text("mine")
    assert main(["init", str(tmp_path)]) == 2
    assert capsys.readouterr().err == (
        f"{tmp_path}/policy.yaml: exists already and is not overwritten; name another FOLDER\n"
    )
    assert (files(tmp_path), (tmp_path / "policy.yaml").read_text()) == (["policy.yaml"], "mine")


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    assert main(["init", str(tmp_path / "file" / "folder")]) == 2
    assert capsys.readouterr().err == f"{tmp_path}/file/folder: cannot be written (Not a directory)\n"
