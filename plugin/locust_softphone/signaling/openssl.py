"""OpenSSL's side of one connection, with the calls made directly.

pyOpenSSL's methods raise an exception whenever more data is needed, and look for errors of callbacks after each call.
That is 4 % of the CPU of a connection with a resumed handshake, and the steps that it asks of its caller are more. So
what each connection does calls the library here; pyOpenSSL makes the connection, verifies, and explains errors.

This is the only module that uses pyOpenSSL's private parts; pyproject.toml names the versions that have them.
"""

from __future__ import annotations

from typing import Any

from OpenSSL import SSL

__all__ = ["OpenSslConnection", "prefer_groups"]

_ffi: Any = SSL._ffi  # type: ignore[attr-defined]
_lib: Any = SSL._lib  # type: ignore[attr-defined]
_not_cleared: Any = SSL._no_zero_allocator  # type: ignore[attr-defined]
_WANT_READ: int = _lib.SSL_ERROR_WANT_READ
_SENT_AT_ONCE = 4096  # most flights and requests; a longer one takes several reads
_RECORD = 16_384  # the most that one record carries, RFC 8446 5.1


class OpenSslConnection(SSL.Connection):
    """A client's connection in memory. Errors are ``SSL.Error``.

    Args:
        context: whom to trust.
    """

    _ssl: Any
    _into_ssl: Any
    _from_ssl: Any
    _raise_ssl_error: Any

    def __init__(self, context: SSL.Context) -> None:
        super().__init__(context)
        _lib.SSL_set_connect_state(self._ssl)

    def continue_handshake(self) -> bool:
        """Returns False while the handshake needs more data."""
        result: int = _lib.SSL_do_handshake(self._ssl)
        if result != 1:
            self._check_waits(result)
        return result == 1

    def receive(self, data: bytes) -> None:
        """Take data from the network."""
        _lib.BIO_write(self._into_ssl, data, len(data))

    def to_send(self) -> bytes:
        """The data for the network, possibly empty."""
        buffer = _not_cleared("char[]", _SENT_AT_ONCE)
        size = _lib.BIO_read(self._from_ssl, buffer, _SENT_AT_ONCE)
        data = bytes(_ffi.unpack(buffer, size)) if size > 0 else b""
        while size == _SENT_AT_ONCE:
            size = _lib.BIO_read(self._from_ssl, buffer, _SENT_AT_ONCE)
            data += _ffi.unpack(buffer, max(size, 0))
        return data

    def decrypted(self) -> bytes | None:
        """The next decrypted data; None if more must come from the network first."""
        buffer = _not_cleared("char[]", _RECORD)
        size = _lib.SSL_read(self._ssl, buffer, _RECORD)
        if size > 0:
            return bytes(_ffi.unpack(buffer, size))
        self._check_waits(size)
        return None

    def encrypt(self, data: bytes) -> None:
        """Encrypt all of ``data`` for ``to_send``."""
        while data:
            result = _lib.SSL_write(self._ssl, data, len(data))  # takes one record at most
            if result <= 0:
                self._raise_ssl_error(self._ssl, result)
            data = data[result:]

    def give_buffers_back(self) -> None:
        """Free what the buffers in memory have grown to in the handshake, if nothing waits in them.

        That is 3 KB of a connection, with post-quantum keys 5.
        """
        if not _lib.BIO_get_mem_data(self._from_ssl, _ffi.new("char **")):
            incoming, outgoing = (_lib.BIO_new(_lib.BIO_s_mem()) for _ in range(2))
            _lib.SSL_set_bio(self._ssl, incoming, outgoing)  # which frees the others
            self._into_ssl, self._from_ssl = incoming, outgoing

    def _check_waits(self, result: int) -> None:
        """Raise the error of a call with this result, unless it only waits for more data."""
        if _lib.SSL_get_error(self._ssl, result) != _WANT_READ:
            self._raise_ssl_error(self._ssl, result)


def prefer_groups(context: SSL.Context, names: str) -> None:
    """Set the groups for key exchange, in OpenSSL's notation."""
    _lib.SSL_CTX_set1_curves_list(context._context, names.encode("ascii"))
