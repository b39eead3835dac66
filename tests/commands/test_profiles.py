"""The command ``profiles``."""

from __future__ import annotations

from pathlib import Path

import pytest

from locust_softphone.cli import main


def test_a_profile_in_scenarios_replaces_one_of_the_pack(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "scenarios" / "mine.yaml").write_text("# Mine, with a purpose. And\n# more of it.\nname: mine\n")
    (tmp_path / "scenarios" / "smoke.yaml").write_text("name: smoke\n")
    monkeypatch.chdir(tmp_path)
    assert main(["profiles"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == sorted(line.split()[0] for line in lines)
    (mine,) = (line for line in lines if line.startswith("mine "))
    assert mine.split(maxsplit=1)[1] == "Mine, with a purpose"
    assert "smoke" in lines  # mine, which says nothing about itself
