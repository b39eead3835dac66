"""The command: each sub-command's output, bad input in exact lines, quiet ends."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from locust_softphone import __version__
from locust_softphone.cli import main
from locust_softphone.runs.record import write
from tests.edge_process import running_edge
from tests.runs.records import a_record


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "locust_softphone.cli", *map(str, arguments)]


# What it says


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"locust-softphone {__version__}\n"


@pytest.mark.parametrize("arguments", [["--help"], ["compare", "--help"], ["report", "--help"], ["edge", "--help"]])
def test_help(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith(
        f"usage: locust-softphone {arguments[0] if arguments[1:] else ''}".strip()
    )


def test_profiles_of_ones_own_come_before_the_packs(
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


def test_describe_says_first_what_the_profile_is_about(
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


def test_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(a_record("burst", answered=4, limited={"offer": 6}), tmp_path / "1-burst")
    write(a_record("paced", ramp="1s"), tmp_path / "2-paced")
    assert main(["report", str(tmp_path)]) == 0
    said = capsys.readouterr()
    assert "\nburst " in said.out
    assert "- Only paced had every softphone answered" in said.out
    assert said.err == ""


@pytest.mark.parametrize(
    ("records", "exit_code"),
    [
        ([a_record()], 0),
        ([a_record(), a_record(answered=4, expect=["answered == 100%"])], 1),
        ([a_record(invalid=["stopped"]), a_record(answered=4, expect=["answered == 100%"])], 3),
    ],
)
def test_the_exit_code_of_a_report_is_the_gravest_runs(
    records: list[dict[str, object]], exit_code: int, tmp_path: Path
) -> None:
    for number, record in enumerate(records):
        write(record, tmp_path / str(number))
    assert main(["report", str(tmp_path)]) == exit_code


def test_a_report_names_what_it_cannot_read_and_shows_the_rest(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(a_record("good"), tmp_path / "good")
    assert main(["report", str(tmp_path / "missing"), str(tmp_path / "good")]) == 2
    said = capsys.readouterr()
    assert "\ngood " in said.out
    assert said.err == f"{tmp_path}/missing: cannot be read (No such file or directory)\n"


def test_a_run_can_be_named_by_its_folder_among_the_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("a", "b", "c"):
        write(a_record(name), tmp_path / "runs" / f"20260801-{name}")
    monkeypatch.chdir(tmp_path)
    assert main(["report", "20260801-a", "runs/20260801-b"]) == 0
    said = capsys.readouterr().out
    assert "\na " in said
    assert "\nb " in said
    assert "\nc " not in said


def test_without_a_name_the_runs_are_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write(a_record("paced", ramp="1s"), tmp_path / "2-paced")
    write(a_record("burst", answered=4, expect=["answered == 100%"]), tmp_path / "1-burst")
    write(a_record("real", simulated=False, url="https://edge.example", invalid=["?"]), tmp_path / "3-real")
    write(a_record("cut", aborted_by="rate_limited == 0"), tmp_path / "4-cut")
    (tmp_path / "5-comparison").mkdir()
    (tmp_path / "5-comparison" / "1-paced").symlink_to("../2-paced")
    assert main(["report", "--runs", str(tmp_path)]) == 0
    assert (
        capsys.readouterr().out
        == """\
2026-08-01 12:00:00Z  burst  simulated             4 of 10 answered   failed           1-burst
2026-08-01 12:00:00Z  cut    simulated             10 of 10 answered  failed, aborted  4-cut
2026-08-01 12:00:00Z  paced  simulated             10 of 10 answered  passed           2-paced
2026-08-01 12:00:00Z  real   https://edge.example  10 of 10 answered  invalid          3-real
"""
    )
    monkeypatch.setenv("LOCUST_SOFTPHONE_RUNS", str(tmp_path / "5-comparison"))
    assert main(["report"]) == 0
    assert capsys.readouterr().out.endswith("passed  1-paced\n")


def test_a_list_names_what_cannot_be_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", "--runs", str(tmp_path)]) == 0
    assert capsys.readouterr().out == f"no runs in {tmp_path}\n"
    write(a_record("good"), tmp_path / "good")
    for name, text in (("cut", '{"schema_version": 2, "tot'), ("incomplete", '{"schema_version": 2, "totals": {}}')):
        (tmp_path / name).mkdir()
        (tmp_path / name / "run.json").write_text(text)
    assert main(["report", "--runs", str(tmp_path)]) == 2
    said = capsys.readouterr()
    assert said.out.endswith("passed  good\n")
    assert said.err == (
        f"{tmp_path}/cut/run.json: not a run record (no valid JSON); was it cut short?\n"
        f"{tmp_path}/incomplete: not a complete run record (KeyError: 'retries')\n"
    )


# Bad input

NO_REPEATS = (
    "locust-softphone compare: argument --repeat: must be a whole number from 1 to 1000, not {}; "
    "see locust-softphone compare --help"
)
NO_PAIR = "{}: no PEM certificate with its own key, which must not be encrypted"


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ("", "locust-softphone: the following arguments are required: COMMAND; see locust-softphone --help"),
        ("report", "runs: no such folder; name the folder of runs by --runs DIR"),
        (
            "compare --pause 60",
            'locust-softphone compare: argument --pause: "60" is no duration, write 60s; '
            "see locust-softphone compare --help",
        ),
        ("describe a b", "locust-softphone: unrecognized arguments: b; see locust-softphone --help"),
        ("describe missing.yaml", "missing.yaml: no such file or directory"),
        ("report missing", "missing: cannot be read (No such file or directory)"),
        ("compare missing.yaml", "missing.yaml: no such file or directory"),
        ("compare --repeat 0", NO_REPEATS.format("'0'")),
        ("compare --repeat ²", NO_REPEATS.format("'²'")),
        ("compare --repeat 1001", NO_REPEATS.format("'1001'")),
        ("compare tiny.yaml --runs tiny.yaml", "--runs {cwd}/tiny.yaml: cannot be written to (Not a directory)"),
        (
            "edge --port x",
            "locust-softphone edge: argument --port: invalid int value: 'x'; see locust-softphone edge --help",
        ),
        ("edge --policy missing.yaml", "missing.yaml: no such file or directory"),
        ("edge --tls-key key.pem", "--tls-key key.pem: needs --tls-cert FILE, the certificate that it belongs to"),
        ("edge --tls-cert missing.pem", "--tls-cert missing.pem: cannot be read (No such file or directory)"),
        ("edge --tls-cert cert.pem --tls-key .", "--tls-key .: cannot be read (Is a directory)"),
        ("edge --tls-cert cert.pem", NO_PAIR.format("--tls-cert cert.pem")),
        *(
            (f"edge --tls-cert {cert} --tls-key {key}", NO_PAIR.format(f"--tls-cert {cert} --tls-key {key}"))
            for cert, key in (("cert.pem", "other.pem"), ("tiny.yaml", "key.pem"), ("cert.pem", "encrypted.pem"))
        ),
    ],
)
def test_bad_input_is_one_line(arguments: str, line: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments.split()) == 2
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", f"{line.format(cwd=folder)}\n")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory: a profile, a certificate with its key, another's key, and the key encrypted."""
    (tmp_path / "tiny.yaml").write_text("name: tiny\nusers: 1\nramp: 0s\nhold: 0s\n")
    ours, others = (trustme.CA().issue_cert("127.0.0.1") for _ in range(2))
    ours.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    ours.private_key_pem.write_to_path(tmp_path / "key.pem")
    others.private_key_pem.write_to_path(tmp_path / "other.pem")
    key = load_pem_private_key(ours.private_key_pem.bytes(), None)
    encrypted = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"passphrase"))
    (tmp_path / "encrypted.pem").write_bytes(encrypted)
    monkeypatch.chdir(tmp_path)
    return tmp_path


# The edge


def test_an_edge_with_tls(folder: Path) -> None:
    with running_edge(tls=(folder / "cert.pem", folder / "key.pem")) as edge:
        assert edge.url.startswith("https://127.0.0.1:")
        assert edge.stats()["server"] == "locust-softphone-edge"


def test_the_key_may_be_in_the_certificates_file(folder: Path) -> None:
    both = folder / "both.pem"
    both.write_bytes((folder / "cert.pem").read_bytes() + (folder / "key.pem").read_bytes())
    with running_edge(tls=(both, both)) as edge:
        assert edge.stats()["server"] == "locust-softphone-edge"


# Quick to start, and quiet at the end


@pytest.mark.parametrize(
    ("modules", "unwanted"),
    [
        ("cli", "locust gevent rich aiohttp hdrh websocket pydantic yaml"),
        ("cli edge", "locust gevent rich hdrh websocket"),
        ("cli compare progress report.terminal", "locust gevent aiohttp websocket"),
    ],
)
def test_it_imports_no_more_than_it_needs(modules: str, unwanted: str) -> None:
    imports = ", ".join(f"locust_softphone.{module}" for module in modules.split())
    code = f"import sys, {imports}; print(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(unwanted.split()) & set(done.stdout.split()) == set()


@pytest.mark.parametrize("arguments", ["profiles", "describe smoke"])
def test_a_pipe_that_is_closed_ends_it_without_a_word(arguments: str) -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    done = subprocess.run(command(*arguments.split()), stdout=write_end, stderr=subprocess.PIPE, check=False)
    os.close(write_end)
    assert (done.returncode, done.stderr) == (141, b"")


def test_a_terminal_that_knows_no_unicode(tmp_path: Path) -> None:
    profile = tmp_path / "p.yaml"
    profile.write_text("# Größer.\nname: p\nusers: 1\nramp: 0s\n", encoding="utf-8")
    outer = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(command("describe", profile), capture_output=True, text=True, check=True, env=outer)
    assert done.stdout.startswith("Gr\\xf6\\xdfer.\n1 softphone")
