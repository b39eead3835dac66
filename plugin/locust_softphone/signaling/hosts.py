"""Where an edge is reached: one origin for everything, or a host for each of its parts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from locust_softphone.signaling.target import Target

__all__ = ["Hosts"]


@dataclass(frozen=True)
class Hosts:
    """The targets of one edge.

    Args:
        api: what takes the requests; the edge's name in a record.
        login: what gives tokens.
        streaming: what takes the WebSockets.
    """

    api: Target
    login: Target
    streaming: Target

    @classmethod
    def one(cls, target: Target) -> Hosts:
        """An edge that has one origin for everything."""
        return cls(target, target, target)

    @classmethod
    def of_urls(cls, urls: Mapping[str, str], *, ca_file: str | None = None, authorized: bool = False) -> Hosts:
        """The hosts that ``urls`` is of.

        Raises:
            InputError: as ``Target.parse``.
        """
        return cls(**{role: Target.parse(url, ca_file=ca_file, authorized=authorized) for role, url in urls.items()})

    @property
    def urls(self) -> dict[str, str]:
        return {"api": self.api.url, "login": self.login.url, "streaming": self.streaming.url}

    @property
    def is_one(self) -> bool:
        """Whether everything has the same origin."""
        return len(set(self.urls.values())) == 1

    @property
    def is_loopback(self) -> bool:
        """Whether everything can only be this machine."""
        return self.api.is_loopback and self.login.is_loopback and self.streaming.is_loopback

    def each(self, change: Callable[[Target], Target]) -> Hosts:
        """The same with each target changed; what has one origin keeps one target."""
        changed = {url: change(target) for url, target in self._by_url().items()}
        return Hosts(changed[self.api.url], changed[self.login.url], changed[self.streaming.url])

    def _by_url(self) -> dict[str, Target]:
        return {target.url: target for target in (self.api, self.login, self.streaming)}
