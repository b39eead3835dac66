"""``locust-softphone edge``: runs the simulated edge in this process."""

from __future__ import annotations

import argparse
import json
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from locust_softphone.commands.argument_types import whole_number
from locust_softphone.config.wire import load_wire, spoken_by_the_edge
from locust_softphone.edge import Policy, load_policy, serve
from locust_softphone.errors import ExitCode, InputError

__all__ = ["add_arguments", "run"]


EXAMPLES = """\
locust-softphone edge --port 8080 --policy policy.yaml
locust-softphone edge --port 8443 --tls-cert certificate.pem --tls-key key.pem
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.epilog = EXAMPLES
    parser.description = "Run the simulated edge in this process, until it is interrupted."
    parser.add_argument(
        "--host", metavar="ADDRESS", default="127.0.0.1", help="address to listen on (default: loopback)"
    )
    parser.add_argument(
        "--port",
        type=whole_number(65535, 0),
        metavar="N",
        default=8080,
        help="port; 0 for any (default: 8080)",
    )
    parser.add_argument("--policy", type=Path, metavar="FILE", help="limits and timings (default: the built-in policy)")
    parser.add_argument(
        "--wire", type=Path, metavar="FILE", help="what softphones of media-offer send and expect, as in a profile"
    )
    parser.add_argument("--tls-cert", type=Path, metavar="FILE", help="PEM certificate: serve https and wss")
    parser.add_argument("--tls-key", type=Path, metavar="FILE", help="PEM key of that certificate")
    parser.add_argument("--stats", type=Path, metavar="FILE", help="write the counters of GET /stats there at the end")
    parser.add_argument("--until-stdin-closes", action="store_true", help="stop when standard input is closed")


def run(parsed: argparse.Namespace) -> int:
    """Serve until interrupted."""
    if parsed.stats:
        _write(parsed.stats, "")  # a file that cannot be written is reported now, before there are counters to lose

    def write_stats(stats: Mapping[str, Any]) -> None:
        if parsed.stats:
            _write(parsed.stats, json.dumps(stats) + "\n")

    policy = load_policy(parsed.policy) if parsed.policy else Policy()
    if parsed.wire:
        policy = policy.model_copy(update={"wire": spoken_by_the_edge(load_wire(parsed.wire))})
    serve(
        host=parsed.host,
        port=parsed.port,
        policy=policy,
        ssl_context=_tls_context(parsed.tls_cert, parsed.tls_key),
        ready_to=lambda url: print(f"listening on {url}", flush=True),
        until_stdin_closes=parsed.until_stdin_closes,
        ended_with=write_stats,
    )
    return ExitCode.PASSED


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text)
    except OSError as error:
        raise InputError(f"--stats {file}: cannot be written ({error.strerror})") from None


def _tls_context(certificate: Path | None, key: Path | None) -> ssl.SSLContext | None:
    """The server's TLS context, or None for plain HTTP; the key may be in the certificate's file."""
    if certificate is None:
        if key is not None:
            raise InputError(f"--tls-key {key}: needs --tls-cert FILE, the certificate of this key")
        return None
    for name, file in (("--tls-cert", certificate), ("--tls-key", key)):
        try:
            if file is not None:
                file.open("rb").close()
        except OSError as error:
            raise InputError(f"{name} {file}: cannot be read ({error.strerror})") from None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE  # as load balancers: AES-128 with clients that name it first
    try:
        context.load_cert_chain(certificate, key, password=lambda: "")  # never ask for a passphrase on the terminal
    except (ssl.SSLError, OSError):
        options = f"--tls-cert {certificate}" + (f" --tls-key {key}" if key else "")
        raise InputError(f"{options}: not a PEM certificate with its own unencrypted key") from None
    return context
