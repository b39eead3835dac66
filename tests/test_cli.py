"""The command line: help, bad input, what a command imports, and how it ends."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from locust_softphone import __version__
from locust_softphone.cli import COMMANDS, main, parse
from locust_softphone.swarm.option_list import COMMAND_VARIABLE, as_typed
from tests.command_line import command

# Version and help


def test_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"locust-softphone {__version__}\n"


@pytest.mark.parametrize("arguments", [["--help"], ["compare", "--help"], ["report", "--help"], ["edge", "--help"]])
def test_help_begins_with_the_usage(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith(
        f"usage: locust-softphone {arguments[0] if arguments[1:] else ''}".strip()
    )


# Bad input

NO_REPEATS = (
    "locust-softphone compare: argument --repeat: must be a whole number from 1 to 1000, not {}; "
    "see locust-softphone compare --help"
)


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ("", "locust-softphone: the following arguments are required: COMMAND; see locust-softphone --help"),
        (
            "report",
            "runs: no such folder; make a run with locust-softphone run smoke, or name the folder by --runs DIR",
        ),
        (
            "compare --pause 60",
            'locust-softphone compare: argument --pause: "60" is not a duration, write 60s; '
            "see locust-softphone compare --help",
        ),
        (
            "describe a b",
            'locust-softphone describe: "b" is one argument too many; see locust-softphone describe --help',
        ),
        (
            "reprot",
            'locust-softphone: "reprot" is not a command, did you mean report? '
            f"There are {', '.join(sorted(COMMANDS))}",
        ),
        ("compare --polcy p.yaml", 'locust-softphone compare: "--polcy" is not an option, did you mean --policy?'),
        (
            "report --zzz",
            'locust-softphone report: "--zzz" is not an option, see locust-softphone report --help',
        ),
        (
            "run smoke --softphone-policy p.yaml",
            'locust-softphone run: "--softphone-policy" is not an option, options of Locust come after --; '
            "did you mean --policy?",
        ),
        (
            "run smoke -f none.py",
            "locust-softphone run: argument -f/--locustfile: no such file: none.py; see locust-softphone run --help",
        ),
        ("describe missing.yaml", "missing.yaml: no such file or directory"),
        (
            "report missing",
            "missing: no such run, and no run of such a profile; locust-softphone report lists them",
        ),
        ("compare missing.yaml", "missing.yaml: no such file or directory"),
        ("compare --repeat 0", NO_REPEATS.format("'0'")),
        ("compare --repeat ²", NO_REPEATS.format("'²'")),
        ("compare --repeat 1001", NO_REPEATS.format("'1001'")),
        ("compare tiny.yaml --runs tiny.yaml", "--runs {cwd}/tiny.yaml: cannot be written to (Not a directory)"),
        (
            "edge --port x",
            "locust-softphone edge: argument --port: must be a whole number from 0 to 65535, not 'x'; "
            "see locust-softphone edge --help",
        ),
    ],
)
def test_bad_input_is_explained_in_one_line(
    arguments: str, line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "tiny.yaml").write_text("name: tiny\nusers: 1\nramp: 0s\nhold: 1s\n")
    monkeypatch.chdir(tmp_path)
    assert main(arguments.split()) == 2
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("", f"{line.format(cwd=tmp_path)}\n")


# Start and end


@pytest.mark.parametrize(
    ("module", "unwanted"),
    [
        ("cli", "locust gevent rich aiohttp hdrh websocket pydantic yaml"),
        ("commands.edge", "locust gevent rich hdrh websocket"),
        ("commands.compare", "locust gevent aiohttp websocket"),
        ("commands.describe", "locust gevent aiohttp"),
    ],
)
def test_a_command_imports_only_what_it_needs(module: str, unwanted: str) -> None:
    code = f"import sys, locust_softphone.{module}; print(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(unwanted.split()) & set(done.stdout.split()) == set()


@pytest.mark.parametrize("arguments", ["profiles", "describe smoke"])
def test_a_closed_pipe_ends_a_command_silently(arguments: str) -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    done = subprocess.run(command(*arguments.split()), stdout=write_end, stderr=subprocess.PIPE, check=False)
    os.close(write_end)
    assert (done.returncode, done.stderr) == (141, b"")


OUTPUTS = [">/dev/full", ">&-"]


@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize("arguments", ["profiles", "describe smoke", "report", "edge --port 0", "--help", "--version"])
def test_an_output_that_cannot_be_written_is_one_line_and_exit_code_4(
    arguments: str, output: str, tmp_path: Path
) -> None:
    (tmp_path / "runs").mkdir()
    words = shlex.join(map(str, command(*arguments.split())))
    done = subprocess.run(["sh", "-c", f"{words} {output}"], capture_output=True, text=True, cwd=tmp_path, check=False)
    why = "No space left on device" if "full" in output else "Bad file descriptor"
    assert done.stderr == f"locust-softphone: the output cannot be written ({why})\n"
    assert done.returncode == 4


def test_messages_that_cannot_be_written_are_exit_code_4_too(tmp_path: Path) -> None:
    words = shlex.join(map(str, command("describe", "missing")))
    done = subprocess.run(["sh", "-c", f"{words} 2>/dev/full"], capture_output=True, cwd=tmp_path, check=False)
    assert (done.returncode, done.stdout) == (4, b"")


def test_a_terminal_without_unicode_gets_escapes(tmp_path: Path) -> None:
    profile = tmp_path / "p.yaml"
    profile.write_text("# Größer.\nname: p\nusers: 1\nramp: 0s\n", encoding="utf-8")
    outer = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(command("describe", profile), capture_output=True, text=True, check=True, env=outer)
    assert done.stdout.startswith("Gr\\xf6\\xdfer.\n1 softphone")


# Examples


def test_the_help_has_examples_that_the_command_line_accepts(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    _, _, text = capsys.readouterr().out.partition("\nexamples:\n")
    lines = [line.split() for line in text.splitlines() if "--help" not in line]
    assert len(lines) > 1
    for program, *words in lines:
        assert (program, callable(parse(words).run)) == ("locust-softphone", True)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_help_has_examples_that_the_command_line_accepts(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main([name, "--help"])
    _, _, text = capsys.readouterr().out.partition("\nexamples:\n")
    lines = [line.strip() for line in text.splitlines()]
    assert lines
    monkeypatch.chdir(tmp_path)
    for line in lines:
        program, *words = shlex.split(re.split(" >>? ", line)[0])
        assert (program, words[0]) == ("locust-softphone", name)
        assert callable(parse(words).run)


@pytest.mark.parametrize(
    ("message", "here"),
    [
        ("give it with --softphone-ca FILE", "give it with --ca FILE"),
        ("--softphone-client-secret-file --softphone-client-secret", "--client-secret-file --softphone-client-secret"),
        ("--softphone-users: has 2 users", "--softphone-users: has 2 users"),
        ('"--softphone-ca" is not an option', '"--softphone-ca" is not an option'),
    ],
)
def test_messages_name_options_as_they_are_typed(message: str, here: str) -> None:
    assert as_typed(message, {COMMAND_VARIABLE: "locust-softphone"}) == here
    assert as_typed(message, {}) == message
