"""The client's side of TLS without a socket: bytes from the wire go in, bytes for the wire come out.

    --softphone-ca FILE    only this authority is trusted, and rustls does the work (package rtls, on most platforms)
    otherwise              the system's authorities are, and Python's ssl does it

A handshake costs rustls half of what it costs OpenSSL 3.0, and two of them are most of a call over wss
(``benchmarks/cpu_per_call.py --tls``). But rtls 2026.9.21 copies all trusted authorities for each connection: with the
system's, 0.34 ms and some 200 KB each, more than it saves. When it builds its configuration once per context, the
system's authorities can be given to it too.

Either verifies the certificate and the host's name (RFC 9525). The interface of both is that of ``ssl``.
"""

from __future__ import annotations

import ssl
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any

from locust_softphone.errors import InputError

rtls: Any = import_module("rtls") if find_spec("rtls") else None  # not every platform has a wheel

__all__ = ["Tls", "client_context", "engine_of"]

_RECORD = 16_384  # the most that one record carries, RFC 8446 5.1


def client_context(ca_file: str | None = None) -> ssl.SSLContext:
    """A context that verifies; one is enough for a process.

    Args:
        ca_file: PEM file of a private certificate authority, trusted instead of the system's.

    Raises:
        InputError: the file cannot be read, or has no certificate in it.
    """
    try:
        context = ssl.create_default_context(cafile=ca_file)
    except OSError as error:
        raise InputError(f"--softphone-ca {ca_file}: no readable PEM certificates ({error})") from None
    if not ca_file or rtls is None:
        return context
    trusting: ssl.SSLContext = rtls.create_default_context(cafile=ca_file)
    return trusting


def engine_of(context: ssl.SSLContext) -> str:
    """What does TLS with this context, and its version."""
    return f"rtls {version('rtls')}" if _is_rtls(context) else ssl.OPENSSL_VERSION


def _is_rtls(context: ssl.SSLContext) -> bool:
    return rtls is not None and isinstance(context, rtls.SSLContext)


class _Buffer:
    """What ``rtls`` needs of its ``MemoryBIO``, without its lock, which is gevent's here: 5 % of a call over wss."""

    __slots__ = ("_closed", "_data")

    def __init__(self) -> None:
        self._data = b""
        self._closed = False

    def read(self) -> bytes:
        data, self._data = self._data, b""
        return data

    def write(self, data: bytes) -> int:
        self._data += data
        return len(data)

    def write_eof(self) -> None:
        self._closed = True

    @property
    def eof(self) -> bool:
        return self._closed and not self._data


class Tls:
    """One connection's TLS. Errors are those of ``ssl``.

    Args:
        context: from ``client_context``.
        host: the name or address that the certificate must be for.
    """

    __slots__ = ("_incoming", "_object", "_outgoing")

    def __init__(self, context: ssl.SSLContext, host: str) -> None:
        buffer: Any = _Buffer if _is_rtls(context) else ssl.MemoryBIO
        self._incoming: ssl.MemoryBIO = buffer()
        self._outgoing: ssl.MemoryBIO = buffer()
        name = host.encode("idna").decode("ascii")  # ssl would do it by itself, rtls does not
        self._object = context.wrap_bio(self._incoming, self._outgoing, server_hostname=name)
        if buffer is not _Buffer:  # rtls has said hello already
            self.do_handshake()

    def do_handshake(self) -> bool:
        """Go on with the handshake (RFC 8446 2); whether it is over. Otherwise more has to come in."""
        try:
            self._object.do_handshake()
        except ssl.SSLWantReadError:
            return False
        return True

    def receive_data(self, data: bytes) -> None:
        """Take what the wire has brought; nothing at all means that the other side has closed."""
        if data:
            self._incoming.write(data)
        else:
            self._incoming.write_eof()

    def data_to_send(self) -> bytes:
        """What has to be sent now, if anything."""
        return self._outgoing.read()

    def decrypted(self) -> bytes | None:
        """What can be read of what came in; empty when the other side has closed, None while there is nothing."""
        try:
            return self._object.read(_RECORD)
        except ssl.SSLWantReadError:
            return None
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            return b""

    def encrypt(self, data: bytes) -> None:
        """Put ``data`` into what goes out."""
        while data:
            data = data[self._object.write(data) :]
