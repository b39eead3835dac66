"""The explanation of an imported JMeter plan as a page. Names in it come from the plan, so Jinja escapes every text."""

from __future__ import annotations

from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined

from locust_softphone.jmeter.plan_sentences import Explanation
from locust_softphone.report.palette import css

__all__ = ["import_html"]

_FOLDER = "locust_softphone.report.html"


def import_html(explanation: Explanation, plan_file: str) -> str:
    """A whole HTML document, without scripts.

    Args:
        explanation: of the plan.
        plan_file: its file name.
    """
    environment = Environment(
        loader=PackageLoader(_FOLDER, ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style = files(_FOLDER).joinpath("page.css").read_text(encoding="utf-8") + css()
    html = environment.get_template("import_page.html").render(
        explanation=explanation, plan_file=plan_file, style=style
    )
    return html.encode("utf-8", "replace").decode()
