"""The counts of a run that goes on, followed in its journal: lines that are added, rewritten, cut short, deleted."""

from __future__ import annotations

from pathlib import Path

from locust_softphone.commands.live_counts import LiveCounts
from locust_softphone.runs.journal import NAME, Journal
from tests.runs.records import a_start, measured_in


def test_the_counts_grow_with_the_journal(tmp_path: Path) -> None:
    older = Journal(tmp_path / "1-older", a_start())
    older.append(1.0, measured_in(0))
    older.close(keep=True)
    counts = LiveCounts(tmp_path, since="2-comparison")
    assert counts() == ""
    journal = Journal(tmp_path / "3-burst", a_start())
    assert counts() == "0 answered"
    for second in range(3):
        journal.append(second + 1.0, measured_in(second))
        assert counts() == f"{second + 1} answered, {second + 1} × 429"
    with (tmp_path / "3-burst" / NAME).open("ab") as file:
        file.write(b'{"until_s": 4.0, "tal')
    assert counts() == "3 answered, 3 × 429"
    for _ in journal.rewrite():
        pass
    assert counts() == "3 answered, 3 × 429"
    journal.append(4.0, measured_in(3))
    assert counts() == "4 answered, 4 × 429"
    journal.close(keep=False)
    assert counts() == ""


def test_a_folder_that_is_gone_has_no_counts(tmp_path: Path) -> None:
    assert LiveCounts(tmp_path / "missing", since="")() == ""
