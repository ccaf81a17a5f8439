"""Templates, a static file, a form and a signed session cookie, with Flask."""

import os

from flask import Flask, redirect, render_template, request, session, url_for
from werkzeug.wrappers import Response

app = Flask(__name__)
app.secret_key = os.environ.get("SECRET_KEY", "only good enough for an example")


@app.get("/")
def home() -> str:
    return render_template("home.html", name=request.args.get("name", "stranger"), seen=session.get("seen", []))


@app.post("/seen")
def seen() -> Response:
    bird = request.form["bird"].strip()
    if bird:
        session["seen"] = [*session.get("seen", []), bird]
    return redirect(url_for("home"))


@app.get("/seen.json")
def as_json() -> list[str]:
    return session.get("seen", [])
