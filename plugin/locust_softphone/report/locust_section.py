"""A run as a section of another page, such as Locust's report: its verdict, its steps, what was expected of it.

It takes its colours from the page that it is put into, light or dark.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jinja2 import Environment

from locust_softphone.report.comparison import measured, seconds

__all__ = ["html_section"]

_POINTS = ("p50", "p95", "p99")

_TEMPLATE = """
<section id="softphone">
<style>
#softphone { max-width: 1200px; margin: 2rem auto; padding: 0 1rem; font-family: Roboto, Helvetica, Arial, sans-serif; }
#softphone h2 { font-weight: 400; }
#softphone .wide { overflow-x: auto; }
#softphone table { border-collapse: collapse; width: 100%; margin: 1rem 0; font-size: .875rem; }
#softphone th, #softphone td { padding: .4rem .6rem; text-align: right; border-bottom: 1px solid rgba(128,128,128,.4); }
#softphone th:first-child, #softphone td:first-child { text-align: left; }
</style>
<h2>Softphones: {{ record.profile.name }} {{ record.verdict }}</h2>
<p>{{ totals.planned }} planned, {{ totals.started }} started, {{ totals.connected }} connected,
{{ totals.answered }} answered, {{ totals.gave_up }} gave up, {{ totals.unfinished }} unfinished.
Edge: {{ record.target.url }}{{ " (simulated)" if record.target.simulated }}.</p>
{% if record.aborted %}<p>Aborted after {{ duration(record.aborted.after_s) }}: {{ record.aborted.by }} could no longer
hold.</p>{% endif %}
{% for reason in record.validity.reasons %}<p><strong>Not valid:</strong> {{ reason }}</p>
{% endfor %}<div class="wide"><table>
<tr><th>step</th><th>attempts</th><th>ok</th><th>429</th><th>other</th>
{% for since in ("from the planned start", "from the actual start") %}{% for point in points -%}
<th>{{ point }} {{ since }}</th>{% endfor %}{% endfor %}</tr>
{% for name, step in record.steps.items() %}{% set ok = step.outcomes.ok or 0 %}
{% set limited = step.outcomes.rate_limited or 0 %}<tr><td>{{ name }}</td><td>{{ step.attempts }}</td><td>{{ ok }}</td>
<td>{{ limited }}</td><td>{{ step.attempts - ok - limited }}</td>
{% for durations in (step.response_s, step.service_s) %}{% for point in points -%}
<td>{{ duration(durations[point]) }}</td>{% endfor %}{% endfor %}</tr>
{% endfor %}</table></div>
{% if record.expectations %}<div class="wide"><table>
<tr><th>expected</th><th>held</th><th>measured</th></tr>
{% for each in record.expectations %}<tr><td>{{ each.text }}</td><td>{{ held[each.held] }}</td>
<td>{{ measured(each) }}</td></tr>
{% endfor %}</table></div>{% endif %}
<p>Abnormal closes: {{ record.abnormal_closes.total }}. Retries: {{ record.retries.made }},
{{ record.retries.too_early }} of them before their Retry-After was over. Ledger:
{{ "none, the edge tells no counters" if not record.ledger else "balanced" if record.ledger.balanced
else "does not balance" }}. Record: {{ record.run_id }}.</p>
</section>
"""


def html_section(record: Mapping[str, Any]) -> str:
    """The section for a run's record."""
    return _COMPILED.render(
        record=record,
        totals=record["totals"],
        points=_POINTS,
        held={True: "yes", False: "no", None: "not decided"},
        measured=measured,
        duration=_duration,
    )


def _duration(value: Any) -> str:
    return seconds(value) if isinstance(value, (int, float)) else "-"


_COMPILED = Environment(autoescape=True).from_string(_TEMPLATE)
