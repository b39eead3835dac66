"""Our pages with Locust's login, with its class picker, and with locust-plugins installed."""

from __future__ import annotations

import http.cookiejar
import json
import os
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import pytest

from locust_softphone.commands.locust_process import unused_port
from tests.edge.softphone import eventually
from tests.swarm.locust_process import PACKAGES, records, run_locust, running_locust
from tests.swarm.web_ui import WebUI

WITH_LOGIN = """
from flask import redirect
from flask_login import UserMixin, login_user
from locust import User, events, task

from locust_softphone import ProfileShape, SoftphoneUser, install

install(events)


class Shape(ProfileShape):
    pass


class Softphone(SoftphoneUser):
    pass


class Another(User):
    @task
    def nothing(self):
        pass


class Somebody(UserMixin):
    id = "somebody"


@events.init.add_listener
def let_in(web_ui, **_):
    web_ui.app.secret_key = "of this test"
    web_ui.login_manager.user_loader(lambda _: Somebody())

    @web_ui.app.route("/enter")
    def enter():
        login_user(Somebody())
        return redirect("/")
"""
OURS = ("", "live", "runs", "plan?profile=smoke", "static/run.js", "plotly.js", "comparison?run=1", "runs/1.json")

LOCUST_PLUGINS = "locust-plugins==5.0.3"


class NotFollowed(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        return None


def test_our_pages_need_the_login_and_work_with_the_class_picker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = unused_port()
    options = ("--web-host", "127.0.0.1", "--web-port", str(port), "--web-login", "--class-picker")
    monkeypatch.setattr(urllib.request, "_opener", urllib.request.build_opener())
    with running_locust(tmp_path, *options, profile=None, locustfile=WITH_LOGIN):
        web = WebUI(port)
        eventually(web.is_there)
        stranger = urllib.request.build_opener(NotFollowed)
        for path in OURS:
            with pytest.raises(urllib.error.HTTPError) as caught:
                stranger.open(f"http://127.0.0.1:{port}/softphone/{path}")
            assert caught.value.code == 302
            assert "/login" in caught.value.headers["Location"]
            caught.value.close()
        cookies = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        urllib.request.install_opener(urllib.request.build_opener(cookies))
        web.get("/enter")

        chosen = {"softphone_profile": "smoke", "user_classes": "Softphone"}
        assert "choose Shape as the shape class" in web.answer(shape_class="Default", **chosen)["message"]
        all_users = web.answer(shape_class="Shape", softphone_profile="smoke")
        assert all_users["message"] == '"Another": not a softphone, and Shape is for softphones only'
        web.post(shape_class="Shape", **chosen)
        eventually(lambda: web.live()["run"] is not None and web.live()["phase"] == "idle")
    (record,) = records(tmp_path)
    assert record["verdict"] == "passed"


def test_a_password_of_ones_own(tmp_path: Path) -> None:
    """Locust's pages and ours need it, nothing shows it, and without it no run starts."""
    port = unused_port()
    (tmp_path / "password").write_text("seven words that nobody has guessed\n")
    options = ("--web-host", "127.0.0.1", "--web-port", str(port))
    file = ("--softphone-web-password-file", str(tmp_path / "password"))
    address = f"http://127.0.0.1:{port}"
    with running_locust(tmp_path, *options, *file, profile=None) as locust:
        stranger = urllib.request.build_opener(NotFollowed)
        eventually(WebUI(port).is_there)
        for path in (
            *(f"/softphone/{each}" for each in OURS),
            "/",
            "/logs",
            "/stats/requests",
            "/exceptions",
            "/tasks",
        ):
            assert _where_to(stranger, address + path).startswith("/login?")
        for path in ("/swarm", "/stop", "/softphone/stop", "/stats/reset"):
            assert _where_to(stranger, address + path, softphone_profile="smoke").startswith("/login?")

        user = urllib.request.build_opener(NotFollowed, urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))
        assert _where_to(user, f"{address}/softphone-login", password="guessed") == "/login"
        shown = user.open(f"{address}/login").read().decode()
        assert "Wrong password" in shown
        assert "/softphone-login" in shown
        assert _where_to(user, f"{address}/softphone-login", another="field") == "/login"
        assert _where_to(user, f"{address}/softphone-login", password="seven words that nobody has guessed") == "/"
        with user.open(f"{address}/softphone/live") as live:
            assert json.load(live)["phase"] == "idle"
        locust.terminate()
        assert "seven words" not in "".join(locust.communicate())


def _where_to(opener: urllib.request.OpenerDirector, url: str, **form: str) -> str:
    """Where a redirection leads to; without a form, of a GET."""
    with pytest.raises(urllib.error.HTTPError) as caught:
        opener.open(url, urllib.parse.urlencode(form).encode() if form else None)
    with caught.value as answer:
        assert answer.code == 302
        return str(answer.headers["Location"])


@pytest.fixture
def beside(tmp_path: Path) -> dict[str, str]:
    """Environment variables for a Locust with locust-plugins, which is installed for this test only: every Locust
    imports it where it is installed."""
    folder = tmp_path / "beside"
    install = ("-m", "pip", "install", "-q", "--no-deps", "--retries", "1", "--timeout", "10", "--target", str(folder))
    pip = subprocess.run([sys.executable, *install, LOCUST_PLUGINS], capture_output=True, text=True, check=False)
    if pip.returncode:
        pytest.skip(f"no {LOCUST_PLUGINS}: pip cannot install it here ({pip.stderr.strip().splitlines()[-1]})")
    return {"PYTHONPATH": os.pathsep.join((str(PACKAGES), str(folder)))}


def test_it_works_with_locust_plugins_installed(tmp_path: Path, beside: dict[str, str]) -> None:
    """One of its options is used, so Locust starts only if it is installed."""
    of_theirs = ("--check-fail-ratio", "0.5")
    assert run_locust(tmp_path, *of_theirs, environment=beside).record["verdict"] == "passed"

    port = unused_port()
    where = ("--web-host", "127.0.0.1", "--web-port", str(port))
    with running_locust(tmp_path, *where, *of_theirs, profile=None, environment=beside):
        web = WebUI(port)
        eventually(web.is_there)
        web.post(softphone_profile="smoke")
        eventually(lambda: web.live()["run"] is not None and web.live()["phase"] == "idle")
    assert [record["verdict"] for record in records(tmp_path)] == ["passed"] * 2
