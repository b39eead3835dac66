"""Output formats besides the terminal's: for a pull request, a program, a CI system, Prometheus."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from locust_softphone.report.comparison import Comparison
from locust_softphone.report.formats.junit import junit
from locust_softphone.report.formats.machine import machine_readable
from locust_softphone.report.formats.markdown import markdown
from locust_softphone.report.formats.openmetrics import openmetrics

__all__ = ["FORMATS"]

FORMATS: Mapping[str, Callable[[Comparison], str]] = MappingProxyType(
    {"markdown": markdown, "json": machine_readable, "junit": junit, "openmetrics": openmetrics}
)
"""The renderer of each format."""
