"""The edge: which host and port, at which addresses, over TLS or not, and whether it may be another machine at all."""

from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass, field, replace
from functools import cached_property
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from locust_softphone.errors import AttemptFailed, InputError
from locust_softphone.signaling.stream import MakeSocket, Stream, outcome_of
from locust_softphone.signaling.tls import client_context

__all__ = ["ASK_FIRST", "Target"]

ASK_FIRST = "not this machine. A load test needs its owner's permission: add --softphone-authorized once you have it"

_DEFAULT_PORTS = {"http": 80, "ws": 80, "https": 443, "wss": 443}


@dataclass(frozen=True)
class Target:
    """The edge: where it listens and whether over TLS.

    Args:
        host: a name or an address.
        port: the TCP port.
        tls: the context for TLS, one for the whole process, or None for plain TCP.
        addresses: what ``host`` resolved to; filled by ``resolved``, so that no softphone waits for DNS, and that what
            was checked is what is connected to, whatever DNS says later.
        authorized: whether addresses other than this machine's own may be used.
        make_socket: makes the sockets of its connections.
    """

    host: str
    port: int
    tls: ssl.SSLContext | None = None
    addresses: tuple[tuple[Any, ...], ...] = field(default=(), repr=False)
    authorized: bool = False
    make_socket: MakeSocket = field(default=socket.socket, repr=False)

    @classmethod
    def parse(cls, url: str, *, ca_file: str | None = None, authorized: bool = False) -> Target:
        """Read ``http(s)://host[:port]`` or ``ws(s)://…``.

        Args:
            url: the edge's address. A path is refused: the dialect has its own.
            ca_file: PEM file of a private certificate authority, trusted instead of the system's.
            authorized: whether it may be another machine.

        Raises:
            InputError: no such URL, or a CA file that cannot be read.
        """
        example = "write it like https://edge.example or http://127.0.0.1:8080"
        if "@" in url:
            raise InputError("--host: no credentials in a URL, they would end up in logs; use --softphone-client-id")
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise InputError(f"--host {url!r}: not a URL, {example}") from None
        if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
            raise InputError(f"--host {url!r}: not an http, https, ws or wss URL, {example}")
        if port == 0:
            raise InputError(f"--host {url!r}: nothing listens on port 0, {example}")
        if parts.path not in ("", "/") or parts.query or parts.fragment:
            raise InputError(f"--host {url!r}: only scheme, host and port; the paths are the dialect's, {example}")
        tls = client_context(ca_file) if parts.scheme in ("https", "wss") else None
        return cls(parts.hostname, port or _DEFAULT_PORTS[parts.scheme], tls, authorized=authorized)

    @cached_property
    def authority(self) -> str:
        """``host:port`` as the Host header has it (RFC 9110 7.2); IPv6 in brackets."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        default = 443 if self.tls else 80
        return host if self.port == default else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://{self.authority}"

    @property
    def is_loopback(self) -> bool:
        """Whether the target can only be this machine: localhost or a loopback address, before any look-up."""
        try:
            return _is_loopback(self.host)
        except ValueError:
            return self.host == "localhost"

    def connect(self, timeout_s: float, choice: int = 0) -> Stream:
        """A connection to it; ``choice`` spreads softphones over a name's several addresses.

        Raises:
            AttemptFailed: as ``Stream.connect``.
        """
        addresses = self.addresses or self.resolved().addresses
        family, address = addresses[choice % len(addresses)]
        tls = (self.tls, self.host) if self.tls else None
        return Stream.connect(family, address, timeout_s, tls, self.make_socket)

    def resolved(self) -> Target:
        """The same target with its addresses looked up, once for the whole run.

        Raises:
            AttemptFailed: ``UNRESOLVED``.
            InputError: one of the addresses is not this machine's, and nobody has authorized that.
        """
        try:
            found = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
        except (OSError, ValueError) as error:
            raise AttemptFailed(outcome_of(error)) from None
        addresses = tuple((family, address) for family, _, _, _, address in found)
        beyond = [] if self.authorized else [str(each[0]) for _, each in addresses if not _is_loopback(str(each[0]))]
        if beyond:
            raise InputError(f"--host {self.url}: {self.host} is {beyond[0]}, {ASK_FIRST}")
        return replace(self, addresses=addresses)

    def reached(self, timeout_s: float) -> Target:
        """The same target with the addresses that take a connection, found by trying each once.

        No request is sent, so that the edge's count of requests stays the run's own.

        Raises:
            AttemptFailed: none of them does; the last one's failure.
            InputError: as ``resolved``.
        """
        target = self if self.addresses else self.resolved()
        failure: AttemptFailed | None = None
        reached = []
        for address in target.addresses:
            try:
                replace(target, addresses=(address,)).connect(timeout_s).close()
                reached.append(address)
            except AttemptFailed as failed:
                failure = failed
        if failure and not reached:
            raise failure
        return replace(target, addresses=tuple(reached))


def _is_loopback(address: str) -> bool:
    """Whether an address is one of 127.0.0.0/8 or ::1, also where IPv6 carries it (::ffff:127.0.0.1, RFC 4291 2.5.5.2).

    Raises:
        ValueError: it is a name.
    """
    parsed = ip_address(address)
    return (getattr(parsed, "ipv4_mapped", None) or parsed).is_loopback
