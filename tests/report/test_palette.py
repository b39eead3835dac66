"""The colours of the charts: every step and cause has its own, and all can be seen."""

from __future__ import annotations

import pytest

from locust_softphone.metrics.outcome import ABNORMAL_CAUSES
from locust_softphone.metrics.steps import DIALECTS, request_steps
from locust_softphone.report.palette import BACKGROUNDS, COLOURS, css, variable
from tests.accessibility.axe import contrast

STACKED = [*(request_steps(dialect) for dialect in DIALECTS), ABNORMAL_CAUSES]


@pytest.mark.parametrize("name", COLOURS)
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_colour_has_a_contrast_of_3_to_1(name: str, theme: str) -> None:
    for background in BACKGROUNDS:
        assert contrast(getattr(COLOURS[name], theme), getattr(background, theme)) >= 3


@pytest.mark.parametrize("names", STACKED)
def test_what_is_stacked_in_one_chart_has_different_colours(names: tuple[str, ...]) -> None:
    assert len({COLOURS[name] for name in names}) == len(names)


def test_each_colour_is_a_css_variable_and_unknown_names_share_one() -> None:
    assert "--timed-out: light-dark(#0072b2, #3d9fdb);" in css()
    assert variable("timed_out") == "--timed-out"
    assert variable("<of another version>") == variable("of another version, too") == "--other"
