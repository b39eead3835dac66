"""Sends requests to a limit at given instants."""

from __future__ import annotations

from collections.abc import Iterable

from locust_softphone.limits.decision import Limit

__all__ = ["admitted", "marks"]


def admitted(limit: Limit, instants: Iterable[float]) -> list[bool]:
    """Whether each request is admitted."""
    return [limit.admit(now, session=number).admitted for number, now in enumerate(instants)]


def marks(limit: Limit, instants: Iterable[float]) -> str:
    """One letter per request: A for admitted, r for refused."""
    return "".join("A" if each else "r" for each in admitted(limit, instants))
