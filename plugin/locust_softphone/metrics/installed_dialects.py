"""The dialects that other packages provide, by the entry point group ``locust_softphone.dialects``.

    [project.entry-points."locust_softphone.dialects"]
    verto = "my_package:Verto"

The name is the one in a profile. The object, usually a class, has the steps as ``steps``, and makes the dialect when it
is called with a ``signaling.dialect_setup.DialectSetup``. docs/dialects.md has an example.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Protocol, cast

__all__ = ["GROUP", "InstalledDialect", "installed_dialects", "load_dialect"]

GROUP = "locust_softphone.dialects"


class InstalledDialect(Protocol):
    """What an entry point names."""

    @property
    def steps(self) -> Sequence[Any]:
        """The ``metrics.steps.Step`` values, in order; their names are those of built-in dialects."""

    def __call__(self, setup: Any, /) -> Any:
        """Makes the ``signaling.dialect.Dialect`` from a ``DialectSetup``."""


@cache
def installed_dialects() -> tuple[str, ...]:
    """The names of the dialects that installed packages provide."""
    return tuple(sorted(_entries()))


@cache
def load_dialect(name: str) -> InstalledDialect | None:
    """What the entry point of this name has; None if there is none.

    Raises:
        ValueError: it cannot be imported, or has no steps.
    """
    entry = _entries().get(name)
    if entry is None:
        return None
    try:
        loaded = entry.load()
    except Exception as error:  # whatever the module does when it is imported
        raise ValueError(f"the dialect {name} cannot be loaded from {entry.value} ({error})") from error
    if not callable(loaded) or not getattr(loaded, "steps", ()):
        raise ValueError(f"the dialect {name} cannot be used: {entry.value} is not callable or has no steps")
    return cast(InstalledDialect, loaded)


def _entries() -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group=GROUP)}
