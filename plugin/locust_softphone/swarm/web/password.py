"""A login with one password, for a web UI that others can reach: behind it are Locust's pages and ours.

no session     every page leads to Locust's page ``/login``, which asks for the password
password       is compared in constant time, one at a time; a wrong one takes a second
session        a signed cookie; its key is new at each start of Locust, which ends all sessions
"""

from __future__ import annotations

import hmac
import secrets

import gevent
from flask import redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import LoginManager, UserMixin, login_user
from gevent.lock import Semaphore
from locust.web import WebUI

__all__ = ["require_password"]

_WRONG_PASSWORD_TAKES_S = 1.0
_MOST_WAITING = 20
_LONGEST_FORM = 128 * 1024


def require_password(web_ui: WebUI, password: str) -> None:
    """Put all pages behind a password, as ``--web-login`` would with a login of one's own.

    Args:
        web_ui: Locust's, before it listens.
        password: of everybody who may use it.
    """
    app = web_ui.app
    assert app is not None
    app.secret_key = secrets.token_bytes(32)
    app.config.update(SESSION_COOKIE_SAMESITE="Lax", SESSION_COOKIE_SECURE=bool(web_ui.tls_cert))
    manager = LoginManager()
    manager.init_app(app)
    manager.login_view = "locust.login"
    user = UserMixin()  # whoever knows the password
    user.id = "user"
    manager.user_loader(lambda _: user)
    web_ui.login_manager = manager
    web_ui.web_login = True
    path = f"{app.blueprints['locust'].url_prefix or ''}/softphone-login"
    web_ui.auth_args = {
        "custom_form": {
            "inputs": [{"label": "Password", "name": "password", "is_secret": True, "is_required": True}],
            "callback_url": path,
            "submit_button_text": "Log in",
        }
    }
    one_at_a_time, expected, waiting = Semaphore(), password.encode(), [0]

    @app.post(path, endpoint="softphone_login")
    def log_in() -> ResponseReturnValue:
        request.max_content_length = _LONGEST_FORM
        typed = request.form.get("password", "").encode()
        if waiting[0] >= _MOST_WAITING:
            return "Too many logins at once; try again in a minute.\n", 429
        waiting[0] += 1
        try:
            with one_at_a_time:
                if hmac.compare_digest(typed, expected):
                    login_user(user)
                    return redirect(url_for("locust.index"))
                gevent.sleep(_WRONG_PASSWORD_TAKES_S)
        finally:
            waiting[0] -= 1
        session["auth_error"] = "Wrong password"
        return redirect(url_for("locust.login"))
