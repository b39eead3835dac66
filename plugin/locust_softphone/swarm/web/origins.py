"""Requests that another site caused are refused, on our pages and on Locust's: one check before each request.

    Host       an address, a name of this machine, or an allowed name    else a foreign name leads here (DNS rebinding)
    Origin     of requests that change something: the page's own         else it was a form or a script of another site
    answers    only pages of an allowed name may read them               Locust lets every origin read its own (CORS)

Browsers send ``Origin`` with every POST (Fetch, 3.2). ``Sec-Fetch-Site`` alone is not enough: they leave it out where
the address is neither https nor localhost. Programs other than browsers send neither, and are let in.
"""

from __future__ import annotations

import ipaddress
import platform
from collections.abc import Iterable
from urllib.parse import urlsplit

from flask import Flask, Request, Response, request
from flask.typing import ResponseReturnValue
from flask_cors.core import FLASK_CORS_EVALUATED

__all__ = ["Origins", "refuse_other_sites"]

_SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
_OWN_SITE = ("same-origin", "none")  # none: typed by the user
_PORTS = {"http": 80, "https": 443}


class Origins:
    """Where the pages may be asked for, and by which pages.

    Args:
        allowed: host names besides this machine's own; their pages may also send and read.
        listens_on: the name or address that the server was told to listen on.
    """

    def __init__(self, allowed: Iterable[str], listens_on: str) -> None:
        self._allowed = frozenset(name.lower() for name in allowed)
        self._own = frozenset(name.lower() for name in ("localhost", platform.node(), listens_on) if name)

    def problem(self, asked: Request, *, changes_something: bool) -> str | None:
        """Why a request is refused; None if it is not."""
        host = _name_and_port(f"//{asked.host}")
        if not self._is_ours(host[0]):
            return (
                f"The host {host[0][:100]!r} is not a name of this machine. If it should be, start Locust with "
                "--softphone-allowed-host and this name."
            )
        if changes_something and not self._is_from_own_page(asked, host):
            return "Refused: a page of another site sent this request."
        return None

    def may_read(self, asked: Request) -> bool:
        """Whether a page of another origin may read the answer: only one of an allowed name."""
        return _name_and_port(asked.headers.get("Origin", ""))[0] in self._allowed

    def _is_ours(self, name: str) -> bool:
        return name in self._own | self._allowed or name.endswith(".localhost") or _is_address(name)

    def _is_from_own_page(self, asked: Request, host: tuple[str, int | None]) -> bool:
        page = asked.headers.get("Origin") or asked.headers.get("Referer")
        if page is None:
            return asked.headers.get("Sec-Fetch-Site", "none") in _OWN_SITE
        origin = _name_and_port(page)
        default_ports = {None, *_PORTS.values()}  # a proxy in front may speak TLS
        same_port = origin[1] == host[1] or {origin[1], host[1]} <= default_ports
        return origin[0] in self._allowed or (origin[0] == host[0] and same_port)


def refuse_other_sites(app: Flask, origins: Origins, changing: Iterable[str]) -> None:
    """Add the check to the server.

    Args:
        app: Locust's.
        origins: what is allowed.
        changing: the endpoints that change something whatever their method.
    """
    changing = frozenset(changing)

    @app.before_request
    def check() -> ResponseReturnValue | None:
        changes = request.method not in _SAFE_METHODS or request.endpoint in changing
        problem = origins.problem(request, changes_something=changes)
        return None if problem is None else Response(f"{problem}\n", 403, mimetype="text/plain")

    @app.after_request
    def hide(response: Response) -> Response:
        """Set and remove each header: Locust answers several requests with one response that it keeps."""
        setattr(response, FLASK_CORS_EVALUATED, True)  # else Locust lets every origin read it
        if origins.may_read(request):
            response.headers["Access-Control-Allow-Origin"] = request.headers["Origin"]
            response.headers.pop("Cross-Origin-Resource-Policy", None)
        else:
            response.headers.pop("Access-Control-Allow-Origin", None)
            response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
        response.vary.add("Origin")
        return response


def _name_and_port(url: str) -> tuple[str, int | None]:
    """Host name and port of a URL; an empty name if it has none, as the origin ``null``."""
    try:
        parts = urlsplit(url)
        return parts.hostname or "", parts.port
    except ValueError:
        return "", None


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name.split("%")[0])
    except ValueError:
        return False
    return True
