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


def test_with_a_policy_it_predicts_what_the_edge_would_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    policy = tmp_path / "policy.yaml"
    policy.write_text("limits: {handshake: {rate: 20/s, burst: 10}}")
    assert main(["describe", "burst-500", "--sweep", "users=30,5", "--policy", str(policy)]) == 0
    thirty, _, five = capsys.readouterr().out.partition("burst-500-users-5:")
    assert thirty.startswith("burst-500-users-30:\n")
    assert "limit: handshake: 20/s after 10 at once; 30 need 1s" in thirty
    assert "simulated: 10 of 30 answered, 20 requests get a 429 (20 handshake), 20 connections close" in thirty
    assert "enough for rate_limited == 0, abnormal_closes == 0, answered == 100%: " in thirty
    assert "answered == 100%: all at once" in five
