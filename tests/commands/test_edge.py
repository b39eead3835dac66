"""The command ``edge``: TLS, and bad input."""

from __future__ import annotations

import signal
import socket
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
from OpenSSL import SSL

from locust_softphone.cli import main
from tests.edge_process import running_edge

NOT_A_PAIR = "{}: not a PEM certificate with its own unencrypted key"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with a certificate, its key, its key encrypted, and the key of another certificate."""
    (tmp_path / "text.pem").write_text("not a certificate")
    ours, others = (trustme.CA().issue_cert("127.0.0.1") for _ in range(2))
    ours.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    ours.private_key_pem.write_to_path(tmp_path / "key.pem")
    others.private_key_pem.write_to_path(tmp_path / "other.pem")
    key = load_pem_private_key(ours.private_key_pem.bytes(), None)
    encrypted = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"passphrase"))
    (tmp_path / "encrypted.pem").write_bytes(encrypted)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("first", [b"TLS_AES_128_GCM_SHA256", b"TLS_CHACHA20_POLY1305_SHA256"])
def test_the_cipher_that_the_client_names_first_is_taken(folder: Path, first: bytes) -> None:
    """As load balancers do; OpenSSL's own order would be AES-256 for every client."""
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_tls13_ciphersuites(first + b":TLS_AES_256_GCM_SHA384")
    with (
        running_edge(tls=(folder / "cert.pem", folder / "key.pem")) as edge,
        socket.create_connection(("127.0.0.1", int(edge.url.rpartition(":")[2]))) as plain,
    ):
        plain.settimeout(None)  # pyOpenSSL does not wait on a socket with a timeout
        connection = SSL.Connection(context, plain)
        connection.set_connect_state()
        connection.do_handshake()
        assert connection.get_cipher_name() == first.decode()


def test_an_edge_with_a_certificate_serves_tls(folder: Path) -> None:
    with running_edge(tls=(folder / "cert.pem", folder / "key.pem")) as edge:
        assert edge.url.startswith("https://127.0.0.1:")
        assert edge.stats()["server"] == "locust-softphone-edge"


def test_the_key_can_be_in_the_certificates_file(folder: Path) -> None:
    both = folder / "both.pem"
    both.write_bytes((folder / "cert.pem").read_bytes() + (folder / "key.pem").read_bytes())
    with running_edge(tls=(both, both)) as edge:
        assert edge.stats()["server"] == "locust-softphone-edge"


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ("edge --policy missing.yaml", "missing.yaml: no such file or directory"),
        ("edge --tls-key key.pem", "--tls-key key.pem: needs --tls-cert FILE, the certificate of this key"),
        ("edge --tls-cert missing.pem", "--tls-cert missing.pem: cannot be read (No such file or directory)"),
        ("edge --tls-cert cert.pem --tls-key .", "--tls-key .: cannot be read (Is a directory)"),
        ("edge --tls-cert cert.pem", NOT_A_PAIR.format("--tls-cert cert.pem")),
        *(
            (f"edge --tls-cert {cert} --tls-key {key}", NOT_A_PAIR.format(f"--tls-cert {cert} --tls-key {key}"))
            for cert, key in (("cert.pem", "other.pem"), ("text.pem", "key.pem"), ("cert.pem", "encrypted.pem"))
        ),
    ],
)
def test_bad_input_is_explained_in_one_line(
    arguments: str, line: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments.split()) == 2
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("", f"{line}\n")


@pytest.mark.parametrize(
    "loading", ["argparse", "locust_softphone.errors", "locust_softphone.config.policy", "aiohttp.web"]
)
def test_a_signal_while_the_edge_is_loaded_ends_it_without_a_traceback(loading: str) -> None:
    """Python names each module that it has loaded (``-X importtime``); the signal comes after this one."""
    command = [sys.executable, "-X", "importtime", "-m", "locust_softphone", "edge", "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as edge:
        assert edge.stderr is not None
        assert any(line.split()[-1] == loading for line in edge.stderr)
        edge.send_signal(signal.SIGINT)
        rest = [line for line in edge.stderr if not line.startswith("import time:")]
    assert rest == []
    assert edge.returncode in (0, 130, -signal.SIGINT)
