"""Where the edge is: host, port, addresses, TLS; and whether a run may use a machine other than this one."""

from __future__ import annotations

import socket
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import idna

from locust_softphone.errors import AttemptFailed, InputError
from locust_softphone.metrics.outcome import Outcome
from locust_softphone.signaling.socket_errors import failure_of
from locust_softphone.signaling.source_addresses import SourceAddresses
from locust_softphone.signaling.stream import MakeSocket, Socket, Stream
from locust_softphone.signaling.tls import Tls, TlsContext
from locust_softphone.signaling.tls_problem import TlsReason

__all__ = ["ASK_FIRST", "Target"]

ASK_FIRST = "not this machine. A load test needs its owner's permission: add --authorized once you have it"

_TLS_ANSWER_S = 5.0
_DEFAULT_PORTS = {"http": 80, "ws": 80, "https": 443, "wss": 443}


@dataclass(frozen=True)
class Target:
    """Where an edge listens, and whether it uses TLS.

    Args:
        host: a name or an address.
        port: the TCP port.
        tls: the context for TLS, one for the whole process, or None for plain TCP.
        addresses: the addresses of ``host``, filled in by ``resolved``. They are looked up once: no softphone waits for
            DNS, and the addresses that were checked are those that are used.
        authorized: whether addresses of other machines may be used.
        make_socket: makes the sockets of connections.
        sources: the addresses that they connect from; None if the system chooses.
    """

    host: str
    port: int
    tls: TlsContext | None = None
    addresses: tuple[tuple[Any, ...], ...] = field(default=(), repr=False)
    authorized: bool = False
    make_socket: MakeSocket = field(default=socket.socket, repr=False)
    sources: SourceAddresses | None = None

    @classmethod
    def parse(cls, url: str, *, ca_file: str | None = None, authorized: bool = False) -> Target:
        """Read ``http(s)://host[:port]`` or ``ws(s)://…``. A host name that is not ASCII becomes its A-labels.

        Args:
            url: the edge's address. A path is refused, because each dialect has its own.
            ca_file: PEM file of a private certificate authority, trusted instead of the system's.
            authorized: whether it may be another machine.

        Raises:
            InputError: not such a URL, or the CA file cannot be read.
        """
        example = "write it like https://edge.example or http://127.0.0.1:8080"
        if "@" in url:
            raise InputError("--host: no credentials in a URL, they would end up in logs; use --softphone-client-id")
        try:
            parts = urlsplit(url)
            host, port = _a_labels(parts.hostname or ""), parts.port
        except ValueError:
            raise InputError(f"--host {url!r}: not a URL, {example}") from None
        if parts.scheme not in _DEFAULT_PORTS or not host:
            raise InputError(f"--host {url!r}: not an http, https, ws or wss URL, {example}")
        if port == 0:
            raise InputError(f"--host {url!r}: nothing listens on port 0, {example}")
        if parts.path not in ("", "/") or parts.query or parts.fragment:
            raise InputError(f"--host {url!r}: only scheme, host and port; the paths are the dialect's, {example}")
        tls = TlsContext(ca_file) if parts.scheme in ("https", "wss") else None
        return cls(host, port or _DEFAULT_PORTS[parts.scheme], tls, authorized=authorized)

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
        """Whether the host is localhost or a loopback address; it is not looked up."""
        try:
            return _is_loopback(self.host)
        except ValueError:
            return self.host == "localhost"

    def connect(self, timeout_s: float, choice: int = 0) -> Stream:
        """Open a connection to one of the addresses. ``choice``, the softphone's number, says which one is tried first,
        and from which source address.

        Raises:
            AttemptFailed: as ``Stream.connect``.
        """
        addresses = self.addresses or self.resolved().addresses
        first = choice % len(addresses)
        tls = partial(Tls, self.tls, self.host, choice) if self.tls else None
        make_socket = partial(self._bound, choice) if self.sources else self.make_socket
        return Stream.connect(addresses[first:] + addresses[:first], timeout_s, tls, make_socket)

    def needs_tls(self) -> bool:
        """Whether the server answers a TLS handshake although this target is without TLS; tries one connection."""
        if self.tls is not None:
            return False
        try:
            replace(self, tls=TlsContext()).connect(_TLS_ANSWER_S).close()
        except AttemptFailed as failed:
            return failed.outcome is Outcome.TLS_FAILED and failed.reason not in (TlsReason.NO_TLS, TlsReason.CLOSED)
        return True

    def sent_from(self, sources: SourceAddresses | None) -> Target:
        """The same target, with connections from these addresses; None if the system chooses."""
        return replace(self, sources=sources)

    def _bound(self, softphone: int, family: int, kind: int) -> Socket:
        """A socket that will connect from the softphone's source address."""
        assert self.sources is not None
        made = self.make_socket(family, kind)
        try:
            self.sources.bind(made, family, softphone)
        except BaseException:
            made.close()
            raise
        return made

    def resolved(self) -> Target:
        """The same target with its addresses looked up.

        Raises:
            AttemptFailed: ``UNRESOLVED``.
            InputError: an address is another machine's, and that is not authorized.
        """
        try:
            found = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
        except (OSError, ValueError) as error:
            raise failure_of(error) from None
        addresses = tuple((family, address) for family, _, _, _, address in found)
        beyond = [] if self.authorized else [str(each[0]) for _, each in addresses if not _is_loopback(str(each[0]))]
        if self.sources and not any(self.sources.of_family(family) for family, _ in addresses):
            raise InputError(f"--host {self.url}: {addresses[0][1][0]} cannot be reached from {self.sources}")
        if beyond:
            raise InputError(f"--host {self.url}: {self.host} is {beyond[0]}, {ASK_FIRST}")
        return replace(self, addresses=addresses)

    def reached(self, timeout_s: float) -> Target:
        """The same target with the addresses that accept a connection; each is tried once.

        No request is sent, so the edge counts only requests of the run.

        Raises:
            AttemptFailed: no address accepts one; the last failure.
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


def _a_labels(host: str) -> str:
    """A host name as DNS, Host and SNI have it (RFC 5891 4.4, mapped by UTS 46 as browsers do).

    Raises:
        ValueError: it is not a host name.
    """
    return host if host.isascii() else idna.encode(host, uts46=True).decode("ascii")


def _is_loopback(address: str) -> bool:
    """Whether an address is in 127.0.0.0/8, or ::1, or such an address mapped to IPv6 (RFC 4291 2.5.5.2).

    Raises:
        ValueError: it is not an address.
    """
    parsed = ip_address(address)
    return (getattr(parsed, "ipv4_mapped", None) or parsed).is_loopback
