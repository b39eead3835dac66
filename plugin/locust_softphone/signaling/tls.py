"""The client side of TLS without a socket: bytes from the network go in, bytes for the network come out.

OpenSSL does it, through pyOpenSSL: the wheels of ``cryptography`` contain a recent OpenSSL, so the outcomes are the
same for every Python, whatever is trusted. As browsers do, a softphone resumes its last session with a host (RFC 8446
2.2); its first handshake is full. The other ways that were measured are in docs/tls.md.

    first handshake with a host    offers a post-quantum and a classical key, as browsers do
    every later one                offers a key of the group that the host chose; the others are still named

A post-quantum key that is made and never used is a third of the CPU of a handshake and a quarter of the memory of a
connection.
"""

from __future__ import annotations

import ssl
import sys
from collections import Counter
from contextlib import suppress
from functools import lru_cache
from ipaddress import ip_address
from typing import Any

from cryptography.x509 import DNSName, ExtensionNotFound, IPAddress, SubjectAlternativeName
from OpenSSL import SSL, crypto

from locust_softphone.errors import InputError
from locust_softphone.signaling.openssl import OpenSslConnection, prefer_groups
from locust_softphone.signaling.tls_problem import TlsProblem, certificate_problem, handshake_problem, wrong_host

__all__ = ["Tls", "TlsContext", "TlsFailed", "TlsRefused", "engine", "is_for"]

_CIPHERS = b"ECDHE+AESGCM:ECDHE+CHACHA20:ECDHE+AES:DHE+AES:!aNULL:!aDSS:!SHA1:!AESCCM"  # those of Python's ssl
_SUITES = b"TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"  # of TLS 1.3, as browsers
_GROUPS = ("X25519MLKEM768", "X25519", "secp256r1", "secp384r1", "secp521r1")  # for key exchange, as browsers


class TlsFailed(ssl.SSLError):
    """TLS failed; ``problem`` says why."""

    def __init__(self, problem: TlsProblem) -> None:
        super().__init__(ssl.SSL_ERROR_SSL, problem.detail)
        self.problem = problem


class TlsRefused(TlsFailed):
    """The server ended the connection with an alert before it sent any data, such as for a missing certificate."""


class TlsContext:
    """Whom to trust, the sessions that can be resumed, and the group that the host chose; one for each target.

    Args:
        ca_file: PEM file of a private certificate authority, trusted instead of the system's.

    Raises:
        InputError: the file cannot be read or contains no certificate.
    """

    def __init__(self, ca_file: str | None = None) -> None:
        self.ca_file = ca_file
        self.openssl = context = SSL.Context(SSL.TLS_CLIENT_METHOD)
        self.sessions: dict[tuple[str, int], SSL.Session] = {}
        """The session to resume next, by host and softphone."""
        self.group: str | None = None
        """The group for key exchange that the host chose (RFC 8446 4.2.7); None before the first handshake."""
        self.handshakes: Counter[str] = Counter()
        """The handshakes that were completed, and those in which a certificate was verified, by their metrics."""
        context.set_min_proto_version(SSL.TLS1_2_VERSION)
        context.set_cipher_list(_CIPHERS)
        context.set_tls13_ciphersuites(_SUITES)
        context.set_options(SSL.OP_NO_COMPRESSION | SSL.OP_NO_RENEGOTIATION)
        context.set_mode(SSL.MODE_RELEASE_BUFFERS)
        context.set_verify(SSL.VERIFY_PEER, _verify)
        if not ca_file:
            _trust_the_system(context)
            return
        try:
            context.load_verify_locations(ca_file)
        except SSL.Error as error:
            raise InputError(f"--softphone-ca {ca_file}: no readable PEM certificates ({_reason(error)})") from None

    def host_chose(self, group: str | None) -> None:
        """Offer a key of this group in later handshakes, and no other key. None stands for a handshake without one."""
        self.group = group or ""
        first = [each for each in _GROUPS if each.lower() == self.group.lower()]
        if first:
            names = ":?".join([*first, *(each for each in _GROUPS if each not in first)])  # ?: if OpenSSL knows it
            prefer_groups(self.openssl, names)


class Tls:
    """The TLS of one connection. Errors are ``ssl.SSLError``.

    Args:
        context: whom to trust.
        host: the name or address that the certificate must be for.
        softphone: the number of the softphone; it resumes its own session only.
    """

    __slots__ = ("_connection", "_context", "_drained", "_ended", "_key", "_proven", "_settled")

    def __init__(self, context: TlsContext, host: str, softphone: int) -> None:
        self._context = context
        self._key = host, softphone
        self._proven = False  # whether the server has sent data
        self._settled = False  # whether it has been waited for more since then
        self._ended = False
        self._drained = False  # whether all data from the network has been decrypted
        self._connection = connection = OpenSslConnection(context.openssl)
        connection.set_app_data(_Peer(host, context))
        if not _is_address(host):
            connection.set_tlsext_host_name(host.encode("ascii"))
        if session := context.sessions.pop(self._key, None):  # a ticket is used once, RFC 8446 C.4
            connection.set_session(session)
        self.do_handshake()

    def do_handshake(self) -> bool:
        """Continue the handshake (RFC 8446 2); returns False while it needs more data."""
        try:
            if not self._connection.continue_handshake():
                return False
        except SSL.Error as error:
            raise TlsFailed(self._problem(error)) from None
        self._context.handshakes["tls_handshakes"] += 1
        if self._context.group is None:
            self._context.host_chose(_group(self._connection))
        return True

    def receive_data(self, data: bytes) -> None:
        """Take data from the network; empty data means that the other side has closed."""
        if data:
            self._connection.receive(data)
            self._drained = False
        else:
            self._ended = True

    def data_to_send(self) -> bytes:
        """The data to send now, possibly empty."""
        return self._connection.to_send()

    def decrypted(self) -> bytes | None:
        """The next decrypted data; empty when the other side has said that it closes, None while there is none.

        Raises:
            TlsRefused: an alert came instead of any data. With TLS 1.3, that is how a server answers a client without
                a certificate (RFC 8446 4.4.2.4).
            ssl.SSLError: any other alert; or an end without a close_notify: the data may be cut short (RFC 8446 6.1).
        """
        try:
            data = None if self._drained else self._connection.decrypted()
        except SSL.ZeroReturnError:
            return b""
        except SSL.Error as error:
            failure = TlsFailed if self._proven else TlsRefused
            raise failure(self._problem(error)) from None
        if data is None:
            self._drained = True
            if self._ended:
                raise ssl.SSLEOFError(ssl.SSL_ERROR_EOF, "closed without close_notify")
            if self._proven and not self._settled:
                self._settled = True
                self._connection.give_buffers_back()
            return None
        if not self._proven:
            self._proven = True
            if session := self._connection.get_session():  # tickets come before the first data
                self._context.sessions[self._key] = session
        return data

    def encrypt(self, data: bytes) -> None:
        """Encrypt ``data`` for ``data_to_send``."""
        try:
            self._connection.encrypt(data)
        except SSL.Error as error:
            raise ssl.SSLError(ssl.SSL_ERROR_SSL, _reason(error)) from None

    def close(self) -> None:
        """Say that nothing else will be sent (RFC 8446 6.1). Without that, the session cannot be resumed."""
        with suppress(SSL.Error):
            self._connection.shutdown()

    def _problem(self, error: SSL.Error) -> TlsProblem:
        """Why the connection failed: what the certificate lacks, or else what OpenSSL says."""
        peer: _Peer = self._connection.get_app_data()
        if peer.problem is not None:
            return peer.problem
        has_certificate = self._connection.get_peer_certificate() is not None
        return handshake_problem(_reason(error), has_certificate=has_certificate)


class _Peer:
    """What the verification of a server's certificate needs and finds."""

    __slots__ = ("context", "host", "problem")

    def __init__(self, host: str, context: TlsContext) -> None:
        self.host = host
        self.context = context
        self.problem: TlsProblem | None = None


def _group(connection: SSL.Connection) -> str | None:
    """The group of a finished handshake; None if there is none, or if OpenSSL is too old to tell."""
    with suppress(NotImplementedError):
        return connection.get_group_name()
    return None


def engine() -> str:
    """The TLS library, with its version."""
    return SSL.OpenSSL_version(SSL.OPENSSL_VERSION).decode("ascii")


@lru_cache(maxsize=64)  # all softphones see the same few certificates
def is_for(host: str, certificate: Any) -> bool:
    """Whether a certificate names this host among its alternative names (RFC 9525 6). A common name does not count."""
    try:
        names = certificate.extensions.get_extension_for_class(SubjectAlternativeName).value
    except (ExtensionNotFound, ValueError):
        return False
    if _is_address(host):
        return ip_address(host) in names.get_values_for_type(IPAddress)
    host = host.lower().rstrip(".")
    parent = host.partition(".")[2]
    accepted = {host, f"*.{parent}"} if "." in parent else {host}
    return any(name.lower() in accepted for name in names.get_values_for_type(DNSName))


def _verify(connection: SSL.Connection, certificate: crypto.X509, error: int, depth: int, verified: int) -> bool:
    """Called for each certificate of the chain, last for the server's own at depth 0."""
    peer: _Peer = connection.get_app_data()
    if not verified:
        peer.problem = certificate_problem(error, certificate.to_cryptography(), depth, peer.context.ca_file)
        return False
    if depth:
        return True
    peer.context.handshakes["tls_handshakes.full"] += 1
    if is_for(peer.host, own := certificate.to_cryptography()):
        return True
    peer.problem = wrong_host(peer.host, own)
    return False


def _trust_the_system(context: SSL.Context) -> None:
    """Trust what Python's ``ssl`` trusts; ``SSL_CERT_FILE`` and ``SSL_CERT_DIR`` are respected."""
    paths = ssl.get_default_verify_paths()
    if paths.cafile or paths.capath:
        context.load_verify_locations(paths.cafile, paths.capath)
    if sys.platform == "win32":
        store = context.get_cert_store()
        for der in ssl.create_default_context().get_ca_certs(binary_form=True):
            store.add_cert(crypto.load_certificate(crypto.FILETYPE_ASN1, der))


@lru_cache(maxsize=64)  # each connection asks it of the same few hosts: 5 % of a resumed handshake
def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _reason(error: SSL.Error) -> str:
    """What OpenSSL says about an error; its arguments are a list of (library, function, reason), or something else."""
    known = error.args[0] if error.args and isinstance(error.args[0], list) else []
    return ", ".join(reason for _, _, reason in known) or str(error)
