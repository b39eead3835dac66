"""The dry run: it shows every request with secrets masked, and reaches no real edge."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from locust_softphone.signaling.recording import masked

SECRET, TOKEN = "the-clients-secret", "a-users-own-token"
PROFILE = """
# Two calls.
name: two-calls
users: 2
ramp: 0s
dialect: genesys-cloud
softphone: {like: genesys-streaming-19, calls: {count: 2, every: 10s}}
"""


def described(
    folder: Path, *arguments: str, users: str = "", profile: str = PROFILE
) -> subprocess.CompletedProcess[str]:
    (folder / "profile.yaml").write_text(profile)
    (folder / "users.csv").write_text(users, encoding="utf-8")
    named = ["--softphone-users", "users.csv"] if users else []
    return subprocess.run(
        [sys.executable, "-m", "locust_softphone.cli", "describe", "profile.yaml", "--dry-run", *named, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "LOCUST_SOFTPHONE_CLIENT_SECRET": SECRET, "LOCUST_SOFTPHONE_CLIENT_ID": "me"},
    )


def requests(output: str) -> list[str]:
    """The requests without their ids."""
    lines = [line.partition(". ")[2] for line in output.splitlines() if line.partition(". ")[0].isdigit()]
    return [line.split("/channels/streaming-")[0] for line in lines]


def test_the_requests_to_a_region_are_shown(tmp_path: Path) -> None:
    run = described(tmp_path, "--region", "eu-central-1", "--call-to", "+4930123456")
    assert run.stderr == ""
    assert requests(run.stdout) == [
        "POST https://login.mypurecloud.de/oauth/token",
        "GET https://api.mypurecloud.de/api/v2/users/me",
        "POST https://api.mypurecloud.de/api/v2/notifications/channels?connectionType=streaming",
        "GET https://streaming.mypurecloud.de/stream",
        *["POST https://api.mypurecloud.de/api/v2/conversations/calls"] * 2,
    ]
    assert run.stdout.count('{"phoneNumber": "+4930123456"}') == 2
    assert "X-Softphone-Id" not in run.stdout
    assert SECRET not in run.stdout


@pytest.mark.parametrize("domain", ["acme.orgspan.com", "Bücher.example."])
def test_users_with_tokens_need_no_client_and_no_identity_request(tmp_path: Path, domain: str) -> None:
    run = described(tmp_path, users=f"jid,token\nA1b2@{domain},{TOKEN}\n")
    assert run.stderr == ""
    assert [line.split(" https://")[1].split("?")[0] for line in requests(run.stdout)] == [
        "api.mypurecloud.com/api/v2/notifications/channels",
        "streaming.mypurecloud.com/stream",
        *["api.mypurecloud.com/api/v2/conversations/calls"] * 2,
    ]
    assert f'<open xmlns="urn:ietf:params:xml:ns:xmpp-framing" to="{domain}"' in run.stdout
    assert TOKEN not in run.stdout


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--region", "mars-1"], '"mars-1": not a region of Genesys Cloud'),
        (["--region", "us-east-1", "--host", "http://127.0.0.1:1"], "give one of the two"),
    ],
)
def test_bad_input_is_explained_in_one_line(tmp_path: Path, arguments: list[str], problem: str) -> None:
    run = described(tmp_path, *arguments)
    assert (run.returncode, len(run.stderr.splitlines())) == (2, 1)
    assert problem in run.stderr


def test_the_default_dialect_needs_a_host(tmp_path: Path) -> None:
    plain = PROFILE.replace("dialect: genesys-cloud\n", "")
    assert described(tmp_path, profile=plain).returncode == 2
    run = described(tmp_path, "--host", "https://edge.example", profile=plain)
    assert requests(run.stdout)[0] == "POST https://edge.example/oauth/token"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("GET / HTTP/1.1\r\nAuthorization: Bearer abc.def\r\nX: y\r\n\r\n", "Authorization: Bearer ***\r\nX: y"),
        ("POST / HTTP/1.1\r\nauthorization:Basic abc=\r\n\r\n", "authorization:Basic ***\r\n"),
        ('<auth xmlns="x" mechanism="PLAIN">AGEAYg==</auth>', '<auth xmlns="x" mechanism="PLAIN">***</auth>'),
    ],
)
def test_secrets_are_masked(text: str, expected: str) -> None:
    assert expected in masked(text)


def test_sip_messages_are_shown_without_credentials(tmp_path: Path) -> None:
    profile = "name: a\nusers: 2\nramp: 0s\ndialect: sip\nsip: {domain: acme.example, user: 'agent{number}'}\n"
    run = described(tmp_path, "--host", "https://sip.acme.example", profile=profile)
    assert run.stderr == ""
    assert requests(run.stdout) == ["GET https://sip.acme.example/ws"]
    sent = [line.split()[1] for line in run.stdout.splitlines() if line.startswith("   ► ")]
    assert sent == ["REGISTER", "REGISTER", "INVITE", "ACK", "INVITE", "ACK", "BYE", "REGISTER", "(close"]
    assert "From: <sip:agent1@acme.example>" in run.stdout
    assert run.stdout.count("uthorization: Digest ***") == 3
    assert "response=" not in run.stdout
