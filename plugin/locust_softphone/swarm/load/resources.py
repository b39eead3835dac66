"""Checks before a run whether this process can open enough files and local ports for its softphones.

A softphone has one connection, and during call set-up a second one, for HTTP. Each needs a file descriptor and a local
port; a port can be used once for each pair of source address and edge's address (RFC 6056 3.1).
"""

from __future__ import annotations

import resource
from contextlib import suppress
from pathlib import Path

from locust_softphone.swarm.option_list import as_typed

__all__ = ["edge_shortage", "raise_descriptor_limit", "shortages"]

SPARE_DESCRIPTORS = 200
_PORT_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")


def raise_descriptor_limit() -> int:
    """Raise the soft limit on open files to the hard limit; returns the new limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        soft = hard
    return soft


def shortages(softphones: int, *, at_once: int, addresses: int, descriptors: int | None = None) -> list[str]:
    """The limits that are too low for these softphones, one sentence each, with how to raise the limit.

    Args:
        softphones: how many softphones this process runs; or all processes on this machine, which share its ports.
        at_once: how many of them may be in call set-up at the same time.
        addresses: how many pairs of a source address and an address of the edge there are.
        descriptors: the limit on open files; None if they are not all of one process.
    """
    sockets = softphones + at_once
    found = []
    if descriptors is not None and descriptors < sockets + SPARE_DESCRIPTORS:
        needed = sockets + SPARE_DESCRIPTORS
        fit = max((descriptors - SPARE_DESCRIPTORS) // 2, descriptors - SPARE_DESCRIPTORS - at_once, 0)
        found.append(
            f"{softphones} softphones need some {needed} open files, this process may have {descriptors}, enough for "
            f"{fit}: raise it with `ulimit -n {needed}` (in compose: SOFTPHONE_NOFILE), "
            "or spread them over more workers"
        )
    ports = _local_ports()
    if ports is not None and ports * max(addresses, 1) < sockets:
        found.append(
            f"{softphones} softphones need some {sockets} local ports, this machine gives {ports} towards one address: "
            f"give several with {as_typed('--softphone-source-address')}, widen it with "
            '`sysctl -w net.ipv4.ip_local_port_range="1024 65535"`, or spread them over more hosts'
        )
    return found


def edge_shortage(softphones: int, *, at_once: int, descriptors: int) -> str:
    """Why a simulated edge cannot hold so many softphones, or an empty text.

    Args:
        softphones: how many softphones the fleet has.
        at_once: how many of them may be in call set-up at the same time.
        descriptors: the edge's limit on open files.
    """
    needed = softphones + at_once + SPARE_DESCRIPTORS
    if descriptors >= needed:
        return ""
    return (
        f"{softphones} softphones need some {needed} open files in the simulated edge, it may have {descriptors}: "
        f"raise it with `ulimit -n {needed}`, or name an edge of several processes with --host"
    )


def _local_ports() -> int | None:
    """How many local ports the system offers for one remote address; None if that cannot be read."""
    try:
        first, last = _PORT_RANGE.read_text().split()
        return int(last) - int(first) + 1
    except (OSError, ValueError):
        return None
