"""What of a module's source decides whether the build runs the app's commands again."""

from __future__ import annotations

import pytest

from lambent.package.setup_digest import setup_digest

APP = """\
from flask import Flask
app = Flask(__name__)
class Item(db.Model):
    name = db.Column(db.String)
def fill():
    db.session.add(Item(name="a"))
@app.get("/")
@login_required
def home():
    return "hello"
"""


def test_edit_of_a_view_or_a_comment_changes_nothing() -> None:
    edited = APP.replace('return "hello"', "names = Item.query.all()\n    return str(names)") + "\n\n# the end\n"
    assert setup_digest(edited.encode()) == setup_digest(APP.encode())


@pytest.mark.parametrize(
    ("old", "new"), [("db.String", "db.Text"), ('"a"', '"b"'), ('"/"', '"/home"'), ("class Item", "class Thing"), ("(db", "((")]
)
def test_edit_of_anything_else_counts(old: str, new: str) -> None:
    assert setup_digest(APP.replace(old, new).encode()) != setup_digest(APP.encode())
