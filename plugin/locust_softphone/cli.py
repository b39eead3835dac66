"""``locust-softphone``: everything that is not Locust itself."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from locust_softphone.errors import InputError

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a sub-command; returns its exit code (0 good, 1 an expectation failed, 2 bad input, 3 a run not valid)."""
    parsed = _parser().parse_args(arguments)
    command: Callable[[argparse.Namespace], int] = parsed.command
    try:
        return command(parsed)
    except InputError as error:
        print(error, file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="locust-softphone", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    edge = commands.add_parser("edge", help="run the simulated edge")
    edge.add_argument("--host", default="127.0.0.1", help="address to listen on (default: loopback)")
    edge.add_argument("--port", type=int, default=8080, help="port to listen on; 0 for any (default: 8080)")
    edge.add_argument("--policy", type=Path, metavar="FILE", help="limits and timings (default: the built-in policy)")
    edge.add_argument("--tls-cert", type=Path, metavar="FILE", help="PEM certificate: serve https and wss")
    edge.add_argument("--tls-key", type=Path, metavar="FILE", help="PEM key that belongs to it")
    edge.add_argument("--until-stdin-closes", action="store_true", help="end when standard input does")
    edge.set_defaults(command=_edge)
    return parser


def _edge(parsed: argparse.Namespace) -> int:
    from locust_softphone.edge import Policy, load_policy, serve

    serve(
        host=parsed.host,
        port=parsed.port,
        policy=load_policy(parsed.policy) if parsed.policy else Policy(),
        ssl_context=None,
        ready_to=lambda url: print(f"listening on {url}", flush=True),
        until_stdin_closes=parsed.until_stdin_closes,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
