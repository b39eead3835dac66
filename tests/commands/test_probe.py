"""The command ``probe``: a real edge with limits that it does not know, and what it refuses to do."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import trustme

from locust_softphone.cli import main
from locust_softphone.config.policy import load_policy
from locust_softphone.errors import ExitCode
from locust_softphone.limits.inference.kinds import Kind
from tests.edge_process import running_edge

TWO_CLIENTS = """
limits: {token: [], handshake: {rate: 20/s, burst: 12, key: [client]}}
organisations: [{client_id: locust-softphone, client_secret: simulated}, {client_id: other, client_secret: secret-two}]
"""


def test_the_limits_of_a_real_edge_are_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    twin, record, secret = tmp_path / "twin.yaml", tmp_path / "probe.json", tmp_path / "secret"
    secret.write_text("secret-two\n")
    with running_edge(TWO_CLIENTS) as edge:
        arguments = ["probe", "--host", edge.url, "--step", "handshake", "-o", str(twin), "--record", str(record)]
        second = ["--second-client-id", "other", "--second-client-secret-file", str(secret)]
        assert main([*arguments, *second]) == ExitCode.PASSED
        counted = edge.stats()["steps"]["handshake"]
    found = json.loads(record.read_text())["steps"]["handshake"]
    best = found["hypotheses"][0]
    assert best["kind"] == Kind.TOKEN_BUCKET, found["hypotheses"]
    assert best["bounds"]["rate"][0] <= 20.0 <= best["bounds"]["rate"][1]
    assert best["bounds"]["burst"][0] <= 12 <= best["bounds"]["burst"][1]
    assert found["requests"] == len(found["observations"]) <= counted["admitted"] + sum(counted["refused"].values())
    (limit,) = load_policy(twin).limits.handshake
    assert limit.rate_per_s == pytest.approx(20.0, rel=0.1)
    assert list(limit.key) == ["client"]
    assert found["shared_between"] == {"token": True, "client": False}
    printed = capsys.readouterr()
    assert "token bucket" in printed.out
    assert printed.err.startswith("probes handshake: for each at most 5,000 requests, 400 a second")


def test_without_a_limit_it_says_how_far_it_looked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with running_edge("limits: {token: []}") as edge:
        arguments = ["probe", "--host", edge.url, "--step", "token", "--most-requests", "40"]
        assert main(arguments) == ExitCode.PASSED
    assert re.search(r"token +no limit up to \d+ a second", capsys.readouterr().out)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "name the edge: --host URL, or --region REGION"),
        (["--host", "https://192.0.2.1"], "add --authorized once you have it"),
        (["--host", "https://192.0.2.1", "--authorized"], "needs --client-id"),
        (["--host", "http://127.0.0.1:1"], "connect_refused: nothing listens there; is the edge running?"),
        (["--host", "http://127.0.0.1:1", "--others", "5"], '"5" is not a share, write a percentage'),
        (["--dry-run", "--step", "hanshake"], "did you mean handshake?"),
    ],
)
def test_what_cannot_be_probed_is_refused_in_one_line(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LOCUST_SOFTPHONE_CLIENT_SECRET", raising=False)
    assert main(["probe", *arguments]) == ExitCode.BAD_INPUT
    printed = capsys.readouterr().err
    assert message in printed
    assert printed.count("\n") == 1


def test_a_server_that_is_not_an_edge_is_explained_as_in_a_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    issued = trustme.CA().issue_cert("127.0.0.1")
    issued.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    issued.private_key_pem.write_to_path(tmp_path / "key.pem")
    with running_edge(tls=(tmp_path / "cert.pem", tmp_path / "key.pem")) as edge:
        assert main(["probe", "--step", "token", "--host", edge.url.replace("https", "http")]) == ExitCode.BAD_INPUT
        assert "the server speaks TLS: write https:// (or wss://)" in capsys.readouterr().err
        assert main(["probe", "--host", edge.url]) == ExitCode.BAD_INPUT
        assert "its certificate is signed by" in capsys.readouterr().err


def test_a_dry_run_says_what_a_probe_would_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["probe", "--dry-run", "--step", "offer", "--most-requests", "120"]) == ExitCode.PASSED
    printed = capsys.readouterr().out
    assert printed.startswith("nothing is sent")
    assert "offer: asks more and more often, until a request is refused" in printed
    assert "120 requests" in printed


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--second-client-id", "other"], "--second-client-id and --second-client-secret-file: give both"),
        (["--second-client-id", "nobody", "--second-client-secret-file", "FILE"], "the client gets no token"),
    ],
)
def test_a_second_client_that_cannot_be_used_is_said_before_anything_is_sent(
    options: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("hush\n")
    with running_edge() as edge:
        given = [str(secret) if each == "FILE" else each for each in options]
        assert main(["probe", "--host", edge.url, "-o", str(tmp_path / "twin.yaml"), *given]) == ExitCode.BAD_INPUT
    printed = capsys.readouterr().err
    assert message in printed
    assert "hush" not in printed
    assert printed.count("\n") == 1


def test_ctrl_c_in_the_middle_prints_and_writes_what_is_known(tmp_path: Path) -> None:
    twin, record = tmp_path / "twin.yaml", tmp_path / "probe.json"
    with running_edge("limits: {token: [], handshake: {rate: 5/s, burst: 5}}") as edge:
        command = [sys.executable, "-m", "locust_softphone", "probe", "--host", edge.url]
        files = ["--twin", str(twin), "--record", str(record)]
        process = subprocess.Popen(
            [*command, *files, "--step", "handshake", "--step", "offer"],
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert process.stderr is not None
        for line in process.stderr:
            if "follows what the limit lets through" in line:
                break
        process.send_signal(signal.SIGINT)
        printed, said = process.communicate(timeout=60)
    assert process.returncode in (ExitCode.PASSED, ExitCode.INVALID), said
    assert "Traceback" not in said
    assert re.search(r"\d+ requests, \d+ refused, .*ended by: interrupted", printed)
    assert "offer" not in printed  # no further step
    assert "handshake:" in twin.read_text()
    steps = json.loads(record.read_text())["steps"]
    assert steps["handshake"]["ended_by"] == "interrupted"
    assert any(not admitted for _, _, admitted, _ in steps["handshake"]["observations"])


def test_an_edge_that_speaks_genesys_cloud_is_probed(tmp_path: Path) -> None:
    record, twin = tmp_path / "probe.json", tmp_path / "twin.yaml"
    with running_edge("limits: {token: [], handshake: {rate: 5/s, burst: 5}}") as edge:
        arguments = ["probe", "--host", edge.url, "--dialect", "genesys-cloud", "--step", "handshake"]
        assert main([*arguments, "--most-requests", "30", "-o", str(twin), "--record", str(record)]) == ExitCode.PASSED
    found = json.loads(record.read_text())["steps"]["handshake"]
    assert found["failures"] == {}
    assert found["refused"] > 0
    assert Kind.TOKEN_BUCKET in [each["kind"] for each in found["hypotheses"]]
