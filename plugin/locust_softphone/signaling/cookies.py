"""The cookies of one softphone (RFC 6265), as a browser keeps and sends them.

    response   Set-Cookie: AWSALB=node7; Path=/      kept, if its domain, path and size are allowed
    request    Cookie: AWSALB=node7                  sent where domain, path, Secure and expiry match

A load balancer with sticky sessions names the node in a cookie; a request without it reaches another node. The rules
are those of ``http.cookiejar``. A jar is only made when a cookie comes, so that an edge without cookies costs nothing.
The values are secrets: they are never logged, recorded or part of an exception.
"""

from __future__ import annotations

from collections.abc import Mapping
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any, cast
from urllib.request import Request

from locust_softphone.signaling.target import Target

__all__ = ["Cookies"]

_LONGEST = 4096  # characters of one Set-Cookie header, RFC 6265 6.1
_MOST = 50  # cookies of a softphone, RFC 6265 6.1: per domain


class Cookies:
    """What the edge has set by responses to one softphone."""

    __slots__ = ("_jar",)

    def __init__(self) -> None:
        self._jar: CookieJar | None = None

    def keep(self, target: Target, path: str, headers: Mapping[str, str]) -> None:
        """Keep the cookies of a response.

        Args:
            target: who sent it.
            path: the request target of its request.
            headers: of the response; several ``set-cookie`` are joined by line feeds.
        """
        if "set-cookie" not in headers:
            return
        lines = [line for line in headers["set-cookie"].split("\n") if len(line) <= _LONGEST and line.isprintable()]
        if self._jar is None:
            policy = DefaultCookiePolicy(strict_ns_domain=DefaultCookiePolicy.DomainStrictNonDomain)  # host-only
            self._jar = CookieJar(policy)
        request = Request(target.url + path)
        for cookie in self._jar.make_cookies(cast(Any, _Received(lines)), request):
            if len(self._jar) < _MOST or any(cookie.name == kept.name for kept in self._jar):
                self._jar.set_cookie_if_ok(cookie, request)

    def header(self, target: Target, path: str) -> str:
        """The header line for a request, ended by CRLF; empty if no cookie belongs to it."""
        if self._jar is None:
            return ""
        request = Request(target.url + path)
        self._jar.add_cookie_header(request)
        line = request.get_header("Cookie")
        return f"Cookie: {line}\r\n" if line else ""


class _Received:
    """The part of a response that ``http.cookiejar`` reads."""

    def __init__(self, lines: list[str]) -> None:
        self._lines = lines

    def info(self) -> _Received:
        return self

    def get_all(self, name: str, default: list[str]) -> list[str]:
        return self._lines if name == "Set-Cookie" else default
