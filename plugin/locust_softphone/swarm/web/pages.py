"""The routes under ``/softphone``, and the hooks into Locust's own pages.

    /softphone/                     choose a profile, see what it will do, start, watch and stop a run
              stop                  stop the run, as Locust's own button does
              live                  the current metrics; the page asks for them each second
              metrics               the current metrics as OpenMetrics text, for Prometheus
              plan?profile=…        what a profile will do
              prediction?profile=…  the outcome of a simulated run of it
              runs                  the finished runs
              runs/ID.json          a run's record
              runs/ID/ramp          plan a ramp that avoids the run's refusals
              comparison?run=ID…    the report on some runs

All links are relative, so the pages work under ``--web-base-path``. Untrusted text (of an edge, a profile, a record)
never becomes HTML: Jinja escapes it, our scripts set it as text, and a Content-Security-Policy allows only our own
scripts.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any, cast

import gevent
from flask import Blueprint, Response, jsonify, render_template, request, send_file, send_from_directory
from flask.typing import ResponseReturnValue
from locust.web import WebUI
from markupsafe import Markup
from werkzeug.exceptions import RequestEntityTooLarge

from locust_softphone import __version__
from locust_softphone.config.profile_files import load_profile, profile_folders
from locust_softphone.errors import InputError
from locust_softphone.report.comparison import compare_runs
from locust_softphone.report.formats.metric_families import CONTENT_TYPE
from locust_softphone.report.html.page import comparison_html
from locust_softphone.report.palette import css
from locust_softphone.report.plotly_script import PLOTLY_FILE
from locust_softphone.swarm.coordinator import RunCoordinator
from locust_softphone.swarm.web import form, live, locust_page
from locust_softphone.swarm.web.finished_runs import FinishedRuns
from locust_softphone.swarm.web.openmetrics_page import openmetrics_of
from locust_softphone.swarm.web.origins import Origins, refuse_other_sites
from locust_softphone.swarm.web.password import require_password
from locust_softphone.swarm.web.prediction_pages import PredictionPages
from locust_softphone.text import quoted

__all__ = ["Pages", "add_pages"]

MOST_COMPARED = 24
_CACHED_S = 0.5  # metrics are computed at most this often, however many browsers ask
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'self'"
)
_REPORT_POLICY = "sandbox allow-scripts allow-downloads; frame-ancestors 'self'"  # the page adds more


def add_pages(web_ui: WebUI, coordinator: RunCoordinator) -> None:
    """Add our pages to Locust's server, and our additions to its pages.

    Args:
        web_ui: Locust's, before it listens.
        coordinator: the coordinator of the runs.
    """
    pages = Pages(web_ui, coordinator)
    app = web_ui.app
    assert app is not None
    origins = Origins(coordinator.allowed_hosts, web_ui.host)
    if coordinator.web_password:
        require_password(web_ui, coordinator.web_password)
    refuse_other_sites(app, origins, changing=(locust_page.SWARM, locust_page.STOP, locust_page.RESET))
    here = f"{app.blueprints['locust'].url_prefix or ''}/softphone"
    ours = Blueprint("softphone", __name__, url_prefix=here, template_folder="templates", static_folder="static")
    ours.before_request(web_ui.auth_required_if_enabled(lambda: None))
    ours.after_request(_protect)
    ours.register_error_handler(InputError, lambda error: _text(str(error), 404))
    ours.add_url_rule("/", view_func=pages.run)
    ours.add_url_rule("/stop", view_func=pages.stop, methods=["POST"])
    ours.add_url_rule("/live", view_func=pages.live)
    ours.add_url_rule("/metrics", view_func=pages.openmetrics)
    ours.add_url_rule("/plan", view_func=pages.plan)
    ours.add_url_rule("/prediction", view_func=pages.predictions.outcome)
    ours.add_url_rule("/runs", view_func=pages.runs)
    ours.add_url_rule("/runs/<run_id>.json", view_func=pages.record)
    ours.add_url_rule("/runs/<run_id>/ramp", view_func=pages.predictions.ramp, methods=["POST"])
    ours.add_url_rule("/comparison", view_func=pages.comparison)
    ours.add_url_rule("/plotly.js", view_func=_plotly)
    app.register_blueprint(ours)
    locust_page.change_form(web_ui, pages.chosen_profile, pages.offered_profiles)
    may_start = web_ui.auth_required_if_enabled(pages.may_start)
    call_off = web_ui.auth_required_if_enabled(coordinator.call_off)

    @app.before_request
    def before_locust_request() -> ResponseReturnValue | None:
        if request.endpoint == locust_page.SWARM:
            refusal: ResponseReturnValue | None = may_start()
            return refusal
        if request.endpoint == locust_page.STOP:
            call_off()
        return None

    @app.after_request
    def after_locust_request(response: Response) -> Response:
        if request.endpoint == locust_page.INDEX and response.status_code == 200:
            locust_page.add_script(response, "./softphone/static/in_locust.js")
        elif request.endpoint == locust_page.REQUESTS and response.is_json:
            locust_page.add_metrics(response, pages.metrics(), preparing=coordinator.phase == "preparing")
        return response


class Pages:
    """The pages of one process.

    Args:
        web_ui: Locust's.
        coordinator: the coordinator of the runs.
    """

    def __init__(self, web_ui: WebUI, coordinator: RunCoordinator) -> None:
        self._web_ui = web_ui
        self._coordinator = coordinator
        self._named_at_start = self.chosen_profile()
        self._runs = FinishedRuns(coordinator.runs_folder)
        self.predictions = PredictionPages(coordinator, self._runs, self.offered_profiles)
        self._cached: tuple[float, dict[str, Any]] = 0.0, {}

    def chosen_profile(self) -> str:
        """The profile that was chosen last."""
        return str(getattr(self._web_ui.environment.parsed_options, "softphone_profile", ""))

    def offered_profiles(self) -> list[str]:
        """The profiles to choose from."""
        offered: list[str] = _in_a_thread(form.offered_profiles, self._named_at_start)
        return offered

    def may_start(self) -> ResponseReturnValue | None:
        """Refuse a form that cannot start a run, with the kind of response that Locust's page expects."""
        request.max_content_length = form.LONGEST_FORM
        try:
            if form.is_ours(request.form, self._web_ui):
                form.check_start(request.form, self._coordinator, self._named_at_start)
        except InputError as error:
            return jsonify(success=False, message=str(error), host=self._web_ui.environment.host)
        except RequestEntityTooLarge:
            return jsonify(success=False, message="the form is too long", host=self._web_ui.environment.host)
        self.predictions.stop()
        return None

    def run(self) -> str:
        environment = self._web_ui.environment
        picker = self._web_ui.userclass_picker_is_active
        return _render(
            "run.html",
            profiles=self.offered_profiles(),
            chosen=self.chosen_profile(),
            host=environment.host or "",
            shape_class=form.our_shape(environment) if picker else None,
            user_classes=form.our_users(environment) if picker else [],
        )

    def stop(self) -> ResponseReturnValue:
        """Stop the run; Locust's own route takes GET until 2.46, and POST since 2.47."""
        self._coordinator.call_off()
        app = self._web_ui.app
        assert app is not None
        return cast(Response, app.view_functions[locust_page.STOP]())

    def live(self) -> Response:
        """The state and the metrics; ``run`` and ``since`` say which run the page has, up to which second."""
        coordinator = self._coordinator
        answer: dict[str, Any] = {
            "phase": coordinator.phase,
            "problems": coordinator.problems,
            "workers": coordinator.workers,
            "run": None,
        }
        if metrics := self.metrics():
            run = coordinator.shown
            assert run is not None
            known = request.args.get("run") == metrics["id"]
            since = request.args.get("since", 0, type=int) if known else 0
            answer["run"] = metrics if known else {**metrics, "starts": live.planned_starts(run.options.profile)}
            answer["timeline"] = live.timeline(run, since)
        return _json(answer)

    def metrics(self) -> dict[str, Any] | None:
        """The metrics of the current or the last run."""
        run = self._coordinator.shown
        if run is None:
            return None
        made_s, metrics = self._cached
        if time.perf_counter() - made_s > _CACHED_S or metrics["id"] != run.folder.name:
            self._cached = time.perf_counter(), live.metrics(run)
        return self._cached[1]

    def openmetrics(self) -> Response:
        """The metrics of the current or the last run, for Prometheus."""
        return Response(openmetrics_of(self._coordinator.shown), content_type=CONTENT_TYPE)

    def plan(self) -> Response:
        """What a profile will do, or why that is unknown; refused during a run, since a large plan takes a second."""
        profile = request.args.get("profile", "")
        try:
            self._must_be_idle()
            if profile not in self.offered_profiles():
                raise InputError(f"Profile: {quoted(profile)} is not a profile")
            loaded = form.overrides_of(request.args).apply(load_profile(profile, profile_folders()))
            return _json(live.plan_of(loaded))
        except InputError as error:
            return _json({"problem": str(error)})

    def runs(self) -> str:
        """The list is made in another thread, as it waits for the disk."""
        found = _in_a_thread(self._runs.newest, lambda: self._coordinator.generator is None)
        return _render("runs.html", runs=found)

    def record(self, run_id: str) -> Response:
        path = self._runs.path(run_id).resolve()
        return send_file(path, mimetype="application/json", as_attachment=True, download_name=f"{run_id}.json")

    def comparison(self) -> ResponseReturnValue:
        """The report on some runs; with ``download`` as a file."""
        ids = dict.fromkeys(request.args.getlist("run"))
        if not 1 <= len(ids) <= MOST_COMPARED:
            return _text(f"Choose from 1 to {MOST_COMPARED} runs to compare.", 400)
        self._must_be_idle()
        comparison = compare_runs(self._runs.record(run_id) for run_id in ids)
        download = "download" in request.args
        response = Response(comparison_html(comparison, back="" if download else "runs"), mimetype="text/html")
        response.headers["Content-Security-Policy"] = _REPORT_POLICY
        if download:
            response.headers["Content-Disposition"] = 'attachment; filename="comparison.html"'
        return response

    def _must_be_idle(self) -> None:
        """Raise InputError while this process makes load itself."""
        if self._coordinator.generator is not None:
            raise InputError("not available during a run: it would delay the softphones' starts")


def _in_a_thread(read: Callable[..., Any], *arguments: object) -> Any:
    """What a function returns that reads files; the softphones of this process go on meanwhile."""
    return gevent.get_hub().threadpool.apply(read, arguments)


def _render(template: str, **values: object) -> str:
    return render_template(f"softphone/{template}", version=__version__, palette=Markup(css()), **values)


def _protect(response: Response) -> Response:
    """Allow no foreign scripts, no guessed content types and no outdated metrics."""
    response.headers.setdefault("Content-Security-Policy", _POLICY)
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
    if request.endpoint != "softphone._plotly":
        response.headers["Cache-Control"] = "no-store"
    return response


def _plotly() -> Response:
    return send_from_directory(PLOTLY_FILE.parent, PLOTLY_FILE.name, max_age=3600)


def _json(answer: dict[str, Any]) -> Response:
    """JSON with the keys in order; Flask would sort them."""
    return Response(json.dumps(answer), mimetype="application/json")


def _text(text: str, status: int) -> Response:
    return Response(f"{text}\n", status, mimetype="text/plain")
