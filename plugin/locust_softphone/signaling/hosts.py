"""The hosts of an edge: one origin for everything, or a host for each part."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from locust_softphone.signaling.target import Target

__all__ = ["Hosts"]


@dataclass(frozen=True)
class Hosts:
    """The targets of one edge.

    Args:
        api: takes requests; a record names the edge by it.
        login: issues tokens.
        streaming: takes WebSockets.
    """

    api: Target
    login: Target
    streaming: Target

    @classmethod
    def one(cls, target: Target) -> Hosts:
        """An edge with one origin for everything."""
        return cls(target, target, target)

    @classmethod
    def of_urls(cls, urls: Mapping[str, str], *, ca_file: str | None = None, authorized: bool = False) -> Hosts:
        """The hosts with these URLs, by the names of the fields.

        Raises:
            InputError: as ``Target.parse``.
        """
        return cls(**{role: Target.parse(url, ca_file=ca_file, authorized=authorized) for role, url in urls.items()})

    @property
    def urls(self) -> dict[str, str]:
        return {"api": self.api.url, "login": self.login.url, "streaming": self.streaming.url}

    @property
    def is_one(self) -> bool:
        """Whether all hosts are one origin."""
        return len(set(self.urls.values())) == 1

    @property
    def is_loopback(self) -> bool:
        """Whether all hosts are this machine."""
        return self.api.is_loopback and self.login.is_loopback and self.streaming.is_loopback

    def each(self, change: Callable[[Target], Target]) -> Hosts:
        """The same hosts with each target changed; equal origins still share one target."""
        changed = {url: change(target) for url, target in {each.url: each for each in self._targets}.items()}
        return Hosts(*(changed[each.url] for each in self._targets))

    def take_handshakes(self) -> Counter[str]:
        """The TLS handshakes since the last call, by their metrics."""
        taken = Counter[str]()
        for tls in {each.tls for each in self._targets if each.tls}:
            taken += tls.handshakes
            tls.handshakes.clear()
        return taken

    @property
    def _targets(self) -> tuple[Target, Target, Target]:
        return self.api, self.login, self.streaming
