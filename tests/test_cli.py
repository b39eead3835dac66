"""The command: each sub-command's output, bad input in exact lines, quiet ends."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import trustme

from locust_softphone import __version__
from locust_softphone.cli import main
from locust_softphone.report.record import write
from tests.edge_process import running_edge
from tests.report.records import a_record

NOT_MEANT_FOR_IT = {"locust", "gevent", "rich", "aiohttp", "hdrh", "websocket"}


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
    assert capsys.readouterr().out.startswith(f"usage: locust-softphone {arguments[0] if arguments[1:] else ''}".strip())


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
    profile.write_text("# Ten at once, and a line that does not fit into sixty columns.\nname: p\nusers: 10\nramp: 0s\n")
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


# Bad input


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ([], "locust-softphone: the following arguments are required: COMMAND; see locust-softphone --help"),
        (["report"], "locust-softphone report: the following arguments are required: RUN; see "
                     "locust-softphone report --help"),
        (["describe", "a", "b"], "locust-softphone: unrecognized arguments: b; see locust-softphone --help"),
        (["compare", "--repeat", "0"], "locust-softphone compare: argument --repeat: must be a whole number from 1 to "
                                       "1000, not '0'; see locust-softphone compare --help"),
        (["compare", "--repeat", "²"], "locust-softphone compare: argument --repeat: must be a whole number from 1 to "
                                       "1000, not '²'; see locust-softphone compare --help"),
        (["edge", "--port", "x"], "locust-softphone edge: argument --port: invalid int value: 'x'; see locust-softphone "
                                  "edge --help"),
        (["describe", "missing.yaml"], "missing.yaml: no such file or directory"),
        (["report", "missing"], "missing: cannot be read (No such file or directory)"),
        (["compare", "missing.yaml"], "missing.yaml: no such file or directory"),
        (["compare", "tiny.yaml", "--runs", "tiny.yaml"], "--runs {cwd}/tiny.yaml: cannot be written to (Not a directory)"),
        (["edge", "--policy", "missing.yaml"], "missing.yaml: no such file or directory"),
        (["edge", "--tls-key", "key.pem"], "--tls-key key.pem: needs --tls-cert FILE, the certificate that it belongs to"),
        (["edge", "--tls-cert", "missing.pem"], "--tls-cert missing.pem: cannot be read (No such file or directory)"),
        (["edge", "--tls-cert", "cert.pem", "--tls-key", "."], "--tls-key .: cannot be read (Is a directory)"),
        (["edge", "--tls-cert", "cert.pem"], "--tls-cert cert.pem: no PEM certificate with its own key, which must not "
                                             "be encrypted"),
        (["edge", "--tls-cert", "cert.pem", "--tls-key", "other.pem"], "--tls-cert cert.pem --tls-key other.pem: no PEM "
                                                                       "certificate with its own key, which must not be "
                                                                       "encrypted"),
        (["edge", "--tls-cert", "tiny.yaml", "--tls-key", "key.pem"], "--tls-cert tiny.yaml --tls-key key.pem: no PEM "
                                                                      "certificate with its own key, which must not be "
                                                                      "encrypted"),
        (["edge", "--tls-cert", "cert.pem", "--tls-key", "encrypted.pem"], "--tls-cert cert.pem --tls-key encrypted.pem: "
                                                                           "no PEM certificate with its own key, which "
                                                                           "must not be encrypted"),
    ],
)
def test_bad_input_is_one_line(
    arguments: list[str], line: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", f"{line.format(cwd=folder)}\n")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, authority: trustme.CA) -> Path:
    """The working directory: a profile, a certificate with its key, another's key, and an encrypted one."""
    (tmp_path / "tiny.yaml").write_text("name: tiny\nusers: 1\nramp: 0s\nhold: 0s\n")
    ours, others = authority.issue_cert("localhost"), authority.issue_cert("localhost")
    ours.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    ours.private_key_pem.write_to_path(tmp_path / "key.pem")
    others.private_key_pem.write_to_path(tmp_path / "other.pem")
    encrypt = ["openssl", "rsa", "-aes256", "-passout", "pass:x", "-in", "key.pem", "-out", "encrypted.pem"]
    (tmp_path / "encrypted.pem").write_bytes(encrypted(ours.private_key_pem.bytes()))
    monkeypatch.chdir(tmp_path)
    return tmp_path
