"""Which formats there are besides the terminal's."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from locust_softphone.report.comparison import Run
from locust_softphone.report.formats.junit import junit
from locust_softphone.report.formats.machine import machine_readable
from locust_softphone.report.formats.markdown import markdown
from locust_softphone.report.formats.openmetrics import openmetrics

__all__ = ["FORMATS"]

FORMATS: Mapping[str, Callable[[Sequence[Run]], str]] = MappingProxyType(
    {"markdown": markdown, "json": machine_readable, "junit": junit, "openmetrics": openmetrics}
)
"""How each is made of the runs, which are as ``comparison.side_by_side`` orders them."""
