"""OpenSSL's side of a connection, called directly: the same bytes and errors as by pyOpenSSL's own methods."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
import trustme
from OpenSSL import SSL

from locust_softphone.signaling.openssl import OpenSslConnection


class Pair:
    """A client and a server of pyOpenSSL, with nothing between them."""

    def __init__(self, folder: Path) -> None:
        certificate = folder / "server.pem"
        trustme.CA().issue_cert("edge.example").private_key_and_cert_chain_pem.write_to_path(certificate)
        context = SSL.Context(SSL.TLS_SERVER_METHOD)
        context.use_certificate_chain_file(certificate)
        context.use_privatekey_file(certificate)
        self.server = SSL.Connection(context)
        self.server.set_accept_state()
        self.client = OpenSslConnection(SSL.Context(SSL.TLS_CLIENT_METHOD))

    def exchange(self) -> None:
        """Carry what both want to send, once, and let both take it."""
        if data := self.client.to_send():
            self.server.bio_write(data)
        with suppress(SSL.WantReadError):
            self.server.do_handshake()
        with suppress(SSL.WantReadError):
            while data := self.server.bio_read(65_536):
                self.client.receive(data)


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    """A pair with a finished handshake."""
    made = Pair(tmp_path)
    assert not made.client.continue_handshake(), "needs the server's answer"
    made.exchange()
    assert made.client.continue_handshake()
    made.exchange()
    return made


@pytest.mark.parametrize("size", [1, 4095, 4096, 16_384, 16_385, 100_000])
def test_data_goes_through_whole(pair: Pair, size: int) -> None:
    """A record carries 16,384 bytes (RFC 8446 5.1), and a read takes less than a long flight."""
    said = bytes(range(256)) * (size // 256 + 1)
    said = said[:size]
    pair.client.encrypt(said)
    pair.exchange()
    heard = b""
    while len(heard) < size:
        heard += pair.server.recv(65_536)
    assert heard == said
    pair.server.sendall(said)
    pair.exchange()
    back = b""
    while (part := pair.client.decrypted()) is not None:
        back += part
    assert back == said


def test_nothing_to_send_and_nothing_to_read(pair: Pair) -> None:
    assert pair.client.decrypted() is None  # the tickets are not data
    assert pair.client.to_send() == b""


def test_the_end_of_the_other_side(pair: Pair) -> None:
    pair.server.shutdown()
    pair.exchange()
    with pytest.raises(SSL.ZeroReturnError):
        pair.client.decrypted()


def test_an_answer_without_tls(tmp_path: Path) -> None:
    client = Pair(tmp_path).client
    client.continue_handshake()
    client.receive(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    with pytest.raises(SSL.Error, match="wrong version number"):
        client.continue_handshake()


def test_buffers_are_given_back_only_when_they_are_empty(pair: Pair) -> None:
    assert pair.client.decrypted() is None
    pair.client.encrypt(b"waits")
    pair.client.give_buffers_back()
    pair.exchange()
    assert pair.server.recv(100) == b"waits"
    pair.client.give_buffers_back()
    pair.client.encrypt(b"comes")
    pair.exchange()
    assert pair.server.recv(100) == b"comes"
