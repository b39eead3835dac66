"""The addresses of this machine that softphones connect from, spread evenly over them.

    softphone      0   1   2   3   4   5   6   7   8   …     always the same address for the same softphone
    address        a   b   c   c   a   b   b   c   a   …     each once in three softphones, if there are three

A local port can be used once for each pair of source address and edge's address, so several addresses allow more
connections; and an edge that limits each address sees as many clients.
"""

from __future__ import annotations

import errno
import os
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_address

from locust_softphone.errors import InputError
from locust_softphone.signaling.stream import Socket

__all__ = ["SourceAddresses"]

MOST = 4096
_EXAMPLE = "write it like 192.0.2.1, 192.0.2.1,192.0.2.7 or 192.0.2.1-192.0.2.20"
_NO_PORT = getattr(socket, "IP_BIND_ADDRESS_NO_PORT", 24 if sys.platform == "linux" else None)  # Python 3.12 names it


@dataclass(frozen=True)
class SourceAddresses:
    """Addresses of this machine, at least one; ``str`` shows them."""

    addresses: tuple[str, ...]

    @classmethod
    def parse(cls, text: str, option: str) -> SourceAddresses:
        """Read addresses and ranges of them, with commas.

        Args:
            text: such as ``192.0.2.1,192.0.2.10-192.0.2.20``.
            option: the option that it was given with.

        Raises:
            InputError: it is something else, or one of them is not an address of this machine.
        """
        try:
            found = tuple(dict.fromkeys(each for part in text.split(",") for each in _of_range(part.strip())))
        except ValueError:
            raise InputError(f"{option} {text!r}: not addresses, {_EXAMPLE}") from None
        if len(found) > MOST:
            raise InputError(f"{option} {text!r}: {MOST:,} addresses at most")
        for address in found:
            try:
                with socket.socket(_family(address), socket.SOCK_STREAM) as probe:
                    probe.bind((address, 0))
            except OSError:
                raise InputError(f"{option} {address}: not an address of this machine") from None
        return cls(found)

    def __str__(self) -> str:
        return ", ".join(self.addresses)

    def of_family(self, family: int) -> tuple[str, ...]:
        """Those of a family such as ``socket.AF_INET``."""
        return tuple(each for each in self.addresses if _family(each) == family)

    def bind(self, made: Socket, family: int, softphone: int) -> None:
        """Make a new socket connect from the softphone's address. Its port is chosen when it connects.

        Raises:
            OSError: no address is of this family, or it is gone from this machine.
        """
        usable = self.of_family(family)
        if not usable:
            raise OSError(errno.EADDRNOTAVAIL, os.strerror(errno.EADDRNOTAVAIL))
        if _NO_PORT is not None:
            made.setsockopt(socket.IPPROTO_IP, _NO_PORT, 1)  # else each port serves one edge's address only: ip(7)
        made.bind((usable[_turn(softphone, len(usable))], 0))


def _turn(number: int, count: int) -> int:
    """Which of ``count`` addresses a number has: each once among ``count`` numbers in a row.

    Such a row begins at any of them, so that a worker, which has every n-th softphone, uses all of them too.
    """
    block = number // count
    return (number + ((block * 0x9E3779B1 & 0xFFFFFFFF) >> 16)) % count  # multiplicative hashing, Knuth 6.4


def _of_range(text: str) -> Iterator[str]:
    first, dash, last = text.partition("-")
    begin = ip_address(first.strip())
    end = ip_address(last.strip()) if dash else begin
    count = int(end) - int(begin) + 1
    if begin.version != end.version or count < 1:
        raise ValueError
    for number in range(min(count, MOST + 1)):
        yield str(begin + number)


def _family(address: str) -> int:
    return socket.AF_INET6 if ":" in address else socket.AF_INET
