"""nginx and haproxy in front of the simulated edge, on free ports, without root.

nginx can also serve TLS with a certificate that a case provides.
"""

from __future__ import annotations

import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Protocol, TypeVar

import psutil
import trustme

from locust_softphone.commands.locust_process import unused_port
from tests.edge_process import EdgeProcess, running_edge
from tests.listening import await_port

__all__ = ["Proxy", "an_edge", "haproxy", "missing", "nginx", "through"]

PATIENCE_S = 20.0
EDGE = "max_early_retries: 1000"

NGINX = """
daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;
worker_shutdown_timeout 1s;
events {{ worker_connections {connections}; }}
http {{
  access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  limit_req_zone $binary_remote_addr zone=one:32k rate=1r/m;
  map $status $retry_after {{ default ''; 429 3; }}
  server {{
    listen 127.0.0.1:{port}{tls};
    location / {{ proxy_pass http://{upstream}; }}
    location /signaling {{
      proxy_pass http://{signaling};
      {upgrade}
      {extra}
    }}
  }}
}}
"""

UPGRADE = "proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade;"

HAPROXY = """
global
  maxconn 64
defaults
  mode http
  timeout connect 5s
  timeout client 30s
  timeout server 30s
frontend front
  bind 127.0.0.1:{port}
  {extra}
  default_backend back
backend back
  server edge {upstream} {options}
  {backend}
"""


class Proxy:
    """A running proxy, and the edge behind it."""

    def __init__(self, url: str, process: subprocess.Popen[bytes], edge: EdgeProcess) -> None:
        self.url = url
        self.process = process
        self.edge = edge

    def kill_worker(self) -> None:
        """SIGKILL to nginx's worker; the master starts another."""
        for worker in psutil.Process(self.process.pid).children():
            worker.kill()

    def reload(self) -> None:
        """SIGHUP: the old worker may finish within worker_shutdown_timeout."""
        self.process.send_signal(signal.SIGHUP)

    def die(self) -> None:
        """SIGKILL."""
        self.process.kill()

    def kill_edge(self) -> None:
        """SIGKILL to the edge."""
        self.edge.process.kill()


def missing(by: str) -> str:
    """The program that this fault needs and that is not installed; empty if there is none."""
    program = by.split()[0]
    return program if program in ("nginx", "haproxy") and not shutil.which(_program(program)) else ""


def _program(name: str) -> str:
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin") or name


def nginx(
    extra: str = "",
    *,
    signaling: str = "",
    upgrade: str = UPGRADE,
    connections: int = 64,
    certificate: Callable[[], trustme.LeafCert] | None = None,
) -> AbstractContextManager[Proxy]:
    """nginx in front of an edge.

    Args:
        extra: more configuration for ``location /signaling``.
        signaling: the upstream of that location; the edge by default.
        upgrade: the configuration that forwards WebSockets.
        connections: the worker's limit, including connections to the edge and the listening socket.
        certificate: makes the certificate for TLS; plain HTTP without it.
    """
    shown = certificate() if certificate else None
    others: dict[str, str | int] = {
        "extra": extra,
        "signaling": signaling,
        "upgrade": upgrade,
        "connections": connections,
    }
    return _proxy(NGINX, lambda config: [_program("nginx"), "-p", str(config.parent), "-c", str(config)], others, shown)


def haproxy(extra: str = "", *, options: str = "", backend: str = "") -> AbstractContextManager[Proxy]:
    """haproxy in front of an edge.

    Args:
        extra: more configuration for its frontend.
        options: of the edge as a server.
        backend: more configuration for its backend.
    """
    others = {"extra": extra, "options": options, "backend": backend}
    return _proxy(HAPROXY, lambda config: [_program("haproxy"), "-db", "-f", str(config)], others)


@contextmanager
def _proxy(
    template: str,
    command: Callable[[Path], list[str]],
    others: Mapping[str, str | int],
    certificate: trustme.LeafCert | None = None,
) -> Iterator[Proxy]:
    """Run a proxy in front of an edge; ``others`` fill in the rest of its configuration."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        edge = stack.enter_context(an_edge())
        port = unused_port()
        upstream = "{}:{}".format(*edge.address)
        values = {"folder": folder, "port": port, "upstream": upstream, "tls": ""}
        if certificate is not None:
            pem = folder / "certificate.pem"
            certificate.private_key_and_cert_chain_pem.write_to_path(pem)
            values["tls"] = f" ssl; ssl_certificate {pem}; ssl_certificate_key {pem}"
        config, log = folder / "config", folder / "log"
        config.write_text(template.format(**{**values, **others, "signaling": others.get("signaling") or upstream}))
        with log.open("w") as output:
            process = subprocess.Popen(command(config), stdout=output, stderr=output)
        stack.callback(_end, process)
        await_port(port, process, log)
        yield Proxy(f"http{'s' if certificate else ''}://127.0.0.1:{port}", process, edge)


@contextmanager
def an_edge() -> Iterator[EdgeProcess]:
    """A simulated edge that a test may kill."""
    with ExitStack() as stack:
        edge = stack.enter_context(running_edge(EDGE))
        yield edge
        with suppress(AssertionError):  # one that was killed does not end cleanly
            stack.close()


def _end(process: subprocess.Popen[bytes]) -> None:
    """SIGTERM first, because a killed master leaves its newest worker running; then kill what is left."""
    workers = psutil.Process(process.pid).children() if process.poll() is None else []
    process.terminate()
    try:
        process.wait(PATIENCE_S)
    finally:
        process.kill()
        for worker in psutil.wait_procs(workers, timeout=PATIENCE_S)[1]:
            worker.kill()


class InFront(Protocol):
    """Something in front of an edge."""

    url: str
    edge: EdgeProcess


P = TypeVar("P", bound=InFront)


def through(
    proxied: Callable[[], AbstractContextManager[P]],
    *,
    first: Callable[[P], object] | None = None,
    once_answered: Callable[[P], None] | None = None,
) -> Callable[[], AbstractContextManager[str]]:
    """The URL of a proxy, or of something else in front of an edge.

    Args:
        proxied: starts it.
        first: called before the softphone calls.
        once_answered: called when an offer has been answered.
    """

    @contextmanager
    def running() -> Iterator[str]:
        with proxied() as proxy, ExitStack() as stack:
            if first is not None:
                first(proxy)
            if once_answered is not None:
                thread = threading.Thread(target=_when_answered, args=(proxy, once_answered))
                thread.start()
                stack.callback(thread.join)
            yield proxy.url

    return running


def _when_answered(proxy: P, act: Callable[[P], None]) -> None:
    deadline_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline_s:
        if proxy.edge.stats()["sessions"]["answered"]:
            act(proxy)
            return
        time.sleep(0.02)
