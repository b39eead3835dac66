"""nginx and haproxy with a limit, on loopback and a free port, without root.

with nginx("limit_req zone=one burst=3 nodelay;", zone="rate=4r/s") as port:
    answers = send_at(port, [0.0, 0.0, 0.5])
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from random import Random
from typing import NamedTuple

import pytest

from locust_softphone.commands.locust_process import unused_port
from tests.listening import await_port

__all__ = ["Answer", "haproxy", "nginx", "same_decisions", "send_at"]

WITHIN_S = 20.0  # for a program to start or end, or for an answer
SAMPLES = 500  # of the instants at which a proxy can have decided
REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"

NGINX = """
daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{
  access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  {zone}
  server {{
    listen 127.0.0.1:{port};
    location / {{ {limit} {content} }}
  }}
}}
"""

HAPROXY = """
global
  maxconn 256
  nbthread 1
defaults
  mode http
  timeout connect 5s
  timeout client 30s
  timeout server 30s
frontend front
  bind 127.0.0.1:{port}
  stick-table type ip size 1k expire 60s store {stored}
  http-request track-sc0 src
  http-request deny deny_status 429 if {{ {refused_if} }}
  {content}
"""


class Answer(NamedTuple):
    """What came back for a request, on the clock of ``time.monotonic``."""

    sent_s: float
    answered_s: float
    status: int

    @property
    def admitted(self) -> bool:
        return self.status < 400


@contextmanager
def nginx(limit: str, *, zone: str, upstream: int | None = None) -> Iterator[int]:
    """The port of an nginx with this limit on everything.

    Args:
        limit: the directives of the location.
        zone: the directive that declares the zone.
        upstream: a port that requests are passed to; None: nginx answers itself.
    """
    content = "empty_gif;" if upstream is None else f"proxy_pass http://127.0.0.1:{upstream};"
    with _running("nginx", NGINX, limit=limit, zone=zone, content=content) as port:
        yield port


@contextmanager
def haproxy(refused_if: str, *, stored: str, upstream: int | None = None) -> Iterator[int]:
    """The port of a haproxy that refuses what meets this condition.

    Args:
        refused_if: the condition.
        stored: what its stick table counts for each address.
        upstream: a port that requests are passed to; None: haproxy answers itself.
    """
    back = f"default_backend back\nbackend back\n  server held 127.0.0.1:{upstream}"
    content = "http-request return status 200" if upstream is None else back
    with _running("haproxy", HAPROXY, refused_if=refused_if, stored=stored, content=content) as port:
        yield port


@contextmanager
def _running(name: str, template: str, **parts: str) -> Iterator[int]:
    program = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
    if program is None:
        pytest.skip(f"{name} is not installed")
    with tempfile.TemporaryDirectory() as folder, Path(folder, "log").open("w+") as log:
        port = unused_port()
        config = Path(folder, "config")
        config.write_text(template.format(folder=folder, port=port, **parts))
        arguments = ["-p", folder, "-c", str(config)] if name == "nginx" else ["-db", "-f", str(config)]
        with subprocess.Popen([program, *arguments], stdout=log, stderr=log) as process:
            try:
                await_port(port, process, Path(log.name))
                yield port
            finally:
                process.terminate()
                with suppress(subprocess.TimeoutExpired):
                    process.wait(WITHIN_S)
                process.kill()


def send_at(port: int, instants: Sequence[float]) -> list[Answer]:
    """Send a request at each of these instants, in seconds from now, whether or not earlier ones have been answered.

    A busy machine sends and reads later; the answers say when that was.

    Args:
        port: of the proxy.
        instants: in order.
    """
    begin = time.monotonic() + 0.05
    with ThreadPoolExecutor(max_workers=len(instants)) as readers:
        coming = []
        for instant in instants:
            time.sleep(max(0.0, begin + instant - time.monotonic()))
            client = socket.create_connection(("127.0.0.1", port), timeout=WITHIN_S)
            sent_s = time.monotonic()
            client.sendall(REQUEST)
            coming.append(readers.submit(_read, client, sent_s))
        return [each.result() for each in coming]


def same_decisions(answers: Sequence[Answer], decide: Callable[[Sequence[float]], list[bool]]) -> bool:
    """Whether our model can have decided as the proxy did.

    A proxy decides at an instant between sending and answer, which nobody outside can see. Where these spans are short,
    all instants in them give one list of decisions. On a busy machine they are long: then one of many samples of such
    instants must give the proxy's decisions.

    Args:
        answers: of requests that were answered without delay.
        decide: what a new model says to requests at these instants, in s.
    """
    proxy = [answer.admitted for answer in answers]
    return any(decide(instants) == proxy for instants in _possible_instants(answers))


def _possible_instants(answers: Sequence[Answer]) -> Iterator[list[float]]:
    for share in (0.0, 0.5, 1.0):
        yield sorted(_between(answer, share) for answer in answers)
    random = Random(1)
    for _ in range(SAMPLES):
        yield sorted(_between(answer, random.random()) for answer in answers)


def _between(answer: Answer, share: float) -> float:
    return answer.sent_s + share * (answer.answered_s - answer.sent_s)


def _read(client: socket.socket, sent_s: float) -> Answer:
    with client:
        status_line = client.makefile("rb").readline()
        return Answer(sent_s, time.monotonic(), int(status_line.split()[1]))
