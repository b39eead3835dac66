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


def test_control_characters_of_about_do_not_reach_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "p.yaml").write_text('name: p\nabout: "two\\nlines \\e[31m \\a \\x9b2J"\nusers: 10\nramp: 0s\n')
    assert main(["describe", str(tmp_path / "p.yaml")]) == 0
    assert capsys.readouterr().out.splitlines()[0] == "two lines \\x1b[31m \\x07 \\x9b2J"
