"""The command ``describe``."""

from __future__ import annotations

from pathlib import Path

import pytest

from locust_softphone.cli import main


def test_a_description_begins_with_what_the_profile_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    profile = tmp_path / "p.yaml"
    profile.write_text(
        "# Ten at once, and a line that does not fit into sixty columns.\nname: p\nusers: 10\nramp: 0s\n"
    )
    assert main(["describe", str(profile)]) == 0
    about, more, softphones, *_ = capsys.readouterr().out.splitlines()
    assert (about, more) == ("Ten at once, and a line that does not fit into sixty", "  columns.")
    assert softphones.startswith("10 softphones, all at the same instant")
