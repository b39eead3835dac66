"""The journal of a run: recovered after a kill at any moment, rewritten, and locked while its run goes on."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from locust_softphone.errors import InputError
from locust_softphone.metrics.attempt import Attempt
from locust_softphone.metrics.outcome import Outcome
from locust_softphone.metrics.tally import Tally
from locust_softphone.runs import journal
from locust_softphone.runs.history import read_or_recover
from locust_softphone.runs.journal import NAME, Journal, is_left_behind, recover
from locust_softphone.runs.storage import read, write
from tests.runs.records import a_record, a_start, measured_in
from tests.runs.test_record_schema import validate

SECONDS = 4


def written(folder: Path, seconds: int = SECONDS) -> tuple[Journal, Tally]:
    kept, so_far = Journal(folder, a_start()), Tally()
    for second in range(seconds):
        kept.append(second + 1.0, measured_in(second))
        so_far.merge(measured_in(second))
    return kept, so_far


def test_a_record_is_made_of_a_journal_that_was_left_behind(tmp_path: Path) -> None:
    written(tmp_path)[0].close(keep=True)
    record = recover(tmp_path)
    validate(json.loads(record.to_json()))
    assert (record.verdict, record.exit_code, record.times.ended) == ("invalid", 3, "killed")
    assert record.validity.reasons == ("the run was killed; recovered up to second 4",)
    assert (record.totals.planned, record.totals.answered) == (10, 4)
    assert record.steps["token"].outcomes == {"rate_limited": 4}
    assert record.steps["offer"].response_s.count == 4
    assert [second.counts["started"] for second in record.timeline[:4]] == [1, 1, 1, 1]
    assert len(record.retries.sample) == 4
    assert record.expectations[0].held is False
    assert record.times.planned_start == "2023-11-14T22:13:20.000+00:00"
    assert record.times.end == "2023-11-14T22:13:24.000+00:00"
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"], "it takes the journal's place"
    assert read(tmp_path) == record


@pytest.mark.parametrize("cut", range(1, 400, 7))
def test_an_incomplete_last_line_is_ignored(tmp_path: Path, cut: int) -> None:
    written(tmp_path)[0].close(keep=True)
    path = tmp_path / NAME
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines)[: -min(cut, len(lines[-1]))])
    assert recover(tmp_path).totals.answered == SECONDS - 1


def test_a_rewritten_journal_gives_the_same_record(tmp_path: Path) -> None:
    for name, rewrites in (("plain", False), ("rewritten", True)):
        kept, _ = written(tmp_path / name, 100)
        before = kept.path.stat().st_size
        steps = kept.rewrite() if rewrites else iter([None] * 3)
        for number, _ in enumerate(steps):
            if number < 3:  # lines are appended meanwhile
                kept.append(number + 101.0, measured_in(number))
        if rewrites:
            assert kept.path.stat().st_size < before
            assert not is_left_behind(tmp_path / name), "the lock has moved to the new file"
        kept.append(104.0, measured_in(SECONDS))
        kept.close(keep=True)
    assert recover(tmp_path / "plain") == recover(tmp_path / "rewritten")


def test_a_journal_that_has_grown_is_rewritten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "REWRITTEN_AT", 5_000)
    kept, most = Journal(tmp_path, a_start()), 0
    for second in range(300):
        kept.append(second + 1.0, measured_in(second % 5))
        if kept.has_grown:
            for _ in kept.rewrite():
                pass
        most = max(most, kept.path.stat().st_size)
    kept.close(keep=True)
    assert recover(tmp_path).totals.answered == 300
    assert most < 60_000, "what is appended, one line more, and the sum of all"


@pytest.mark.parametrize("keep", [True, False])
def test_a_journal_is_closed_in_the_middle_of_a_rewrite(tmp_path: Path, keep: bool) -> None:
    kept, _ = written(tmp_path)
    steps = kept.rewrite()
    next(steps)
    kept.close(keep=keep)
    assert list(steps) == []
    assert [path.name for path in tmp_path.iterdir()] == [NAME] * keep
    assert not keep or recover(tmp_path).totals.answered == SECONDS


def test_observations_that_the_run_does_not_keep_are_not_written_and_the_record_is_the_same(tmp_path: Path) -> None:
    """At 30,000 attempts of a step, 20,000 are kept exactly and 2,000 of the others."""
    kept, so_far, unsaved, sizes = Journal(tmp_path, a_start()), Tally(), Tally(), [0]
    for second in range(10):
        measured = Tally()
        for number in range(3000):
            at_s = second + number / 3000
            measured.attempt(Attempt("offer", at_s, at_s, at_s + 0.01, Outcome.OK, softphone=number))
        so_far.merge(measured)
        unsaved.merge(measured)
        kept.append(second + 1.0, unsaved)
        unsaved = so_far.continued()
        sizes.append(kept.path.stat().st_size)
    kept.close(keep=True)
    found = recover(tmp_path).observations["offer"]
    live = so_far.observations["offer"].compact()
    assert (found.count, found.later_count, found.left_out) == (20_000, 2_000, 8_000)
    assert [found.columns, found.later] == [live["columns"], live["later"]]
    assert sizes[10] - sizes[9] < (sizes[2] - sizes[1]) / 2


def test_the_journal_of_a_run_that_is_not_over_is_not_recovered(tmp_path: Path) -> None:
    kept, _ = written(tmp_path)
    assert not is_left_behind(tmp_path)
    with pytest.raises(InputError, match="this run is not over yet"):
        read_or_recover(tmp_path)
    kept.close(keep=False)
    assert list(tmp_path.iterdir()) == []


def test_a_record_takes_precedence_over_a_journal(tmp_path: Path) -> None:
    written(tmp_path)[0].close(keep=True)
    write(a_record("whole"), tmp_path)
    assert not is_left_behind(tmp_path)
    assert read_or_recover(tmp_path).name == "whole"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "not a journal of locust-softphone"),
        ("{}\n", "not a journal of locust-softphone"),
        ("[1]\n", "not a journal of locust-softphone"),
        ("[" * 100_000, "not a journal of locust-softphone"),
        ('{"journal": 99}\n', "a journal of another version of locust-softphone"),
        ('{"journal": 1, "run_id": 5}\n', "not a journal of locust-softphone"),
        ("\xff\n", "not a journal of locust-softphone"),
    ],
)
def test_a_file_that_is_not_a_journal_is_refused_in_one_line(tmp_path: Path, text: str, problem: str) -> None:
    (tmp_path / NAME).write_text(text, encoding="latin-1")
    with pytest.raises(InputError) as caught:
        recover(tmp_path)
    assert len(caught.value.problems) == 1
    assert caught.value.problems[0].startswith(f"{tmp_path / NAME}: {problem}")


# A full disk, and kill -9: in processes of their own.


def python(script: str, *arguments: str) -> subprocess.Popen[str]:
    script = "import sys\nfrom pathlib import Path\nfrom tests.runs.test_journal import *\n" + textwrap.dedent(script)
    root = Path(__file__).parents[2]
    return subprocess.Popen([sys.executable, "-c", script, *arguments], cwd=root, stdout=subprocess.PIPE, text=True)


def test_on_a_full_disk_only_whole_lines_are_kept_and_writing_can_go_on_later(tmp_path: Path) -> None:
    """RLIMIT_FSIZE makes a write stop in the middle, as a full disk does, with another error."""
    writer = python(
        """
        import resource
        kept = Journal(Path(sys.argv[1]), a_start())
        kept.append(1.0, measured_in(0))
        limit, most = kept.path.stat().st_size + 500, resource.getrlimit(resource.RLIMIT_FSIZE)[1]
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, most))
        for fails in (lambda: kept.append(2.0, measured_in(1)), lambda: list(kept.rewrite())):
            try:
                fails()
            except OSError as error:
                print(error.strerror)
        print(len(kept.path.read_bytes().splitlines()), *sorted(path.name for path in kept.path.parent.iterdir()))
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
        kept.append(2.0, measured_in(1))
        """,
        str(tmp_path),
    )
    said = writer.communicate(timeout=60)[0].splitlines()
    assert said == ["File too large", f"2 {NAME}"] or said == ["File too large", "File too large", f"2 {NAME}"]
    assert recover(tmp_path).totals.answered == 2


@pytest.mark.parametrize("what", ["record", "journal", "rewritten journal"])
def test_a_file_is_whole_or_absent_after_a_kill_at_any_moment(tmp_path: Path, what: str) -> None:
    scripts: dict[str, str] = {
        "record": """
            record = a_record(invalid=["x" * 100] * 20_000)
            print(flush=True)
            while True:
                write(record, Path(sys.argv[1]))
            """,
        "journal": """
            kept = Journal(Path(sys.argv[1]), a_start())
            print(flush=True)
            for second in range(1_000_000):
                kept.append(second + 1.0, measured_in(second % 10))
            """,
        "rewritten journal": """
            kept, _ = written(Path(sys.argv[1]))
            print(flush=True)
            while True:
                for _ in kept.rewrite():
                    pass
            """,
    }
    moments = random.Random(1)
    for number in range(3):
        folder = tmp_path / str(number)
        writer = python(scripts[what], str(folder))
        assert writer.stdout is not None
        writer.stdout.readline()
        time.sleep(moments.uniform(0, 0.2))
        writer.kill()
        writer.communicate()
        if what == "record":
            if (folder / "run.json").exists():
                assert len(read(folder).validity.reasons) == 20_000
            continue
        record = recover(folder)
        answered = record.totals.answered
        assert record.steps["offer"].attempts == record.start_lag_s.count == answered
        assert what == "journal" or answered == SECONDS
