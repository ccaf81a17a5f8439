"""What each example must answer, whatever serves it: an ordinary server, or the local Lambda."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from urllib.parse import urlsplit

from support.browser import Browser
from support.paths import ROOT

FOLDER = ROOT / "examples"


def hello(site: Browser) -> None:
    page = site.get("/")
    assert page.status == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "<h1>Hello, world!</h1>" in page.text
    assert "<h1>Hello, Ada &amp; Bob!</h1>" in site.get("/?name=Ada+%26+Bob").text


def cowsay(site: Browser) -> None:
    page = site.get("/?text=hello+there")
    assert page.status == 200
    assert "| hello there |" in page.text
    assert "(oo)" in page.text
    posted = site.send("POST", "/tux", body="gründlich".encode())
    assert posted.status == 200
    assert "gründlich" in posted.text
    missing = site.get("/unicorn")
    assert missing.status == 404
    assert "no one here is called unicorn" in missing.text


def starlette(site: Browser) -> None:
    assert "<h1>Hello, Starlette</h1>" in site.get("/").text
    assert "<h1>Hello, &lt;Ada&gt;</h1>" in site.get("/?name=%3CAda%3E").text
    style = site.get("/static/style.css")
    assert style.status == 200
    assert style.headers["content-type"].startswith("text/css")
    assert style.body == (FOLDER / "starlette/static/style.css").read_bytes()
    assert site.send("GET", "/static/style.css", headers={"If-None-Match": style.headers["etag"]}).status == 304
    assert json.loads(site.post("/upper", {"text": "moo ü"}).body) == {"loud": "MOO Ü"}
    assert site.get("/count/3").text == "1\n2\n3\n"
    assert site.get("/upper").status == 405
    assert site.get("/nowhere").status == 404


def fastapi(site: Browser) -> None:
    assert json.loads(site.get("/").body) == {"bakery": "open", "docs": "/docs"}
    assert "swagger-ui" in site.get("/docs").text
    cheap = json.loads(site.get("/prices?cheaper_than=2").body)
    assert cheap == [{"item": "roll", "price": "0.45"}, {"item": "croissant", "price": "1.60"}]
    order = {"lines": [{"item": "roll", "count": 12}, {"item": "bread", "count": 1}]}
    quoted = site.send("POST", "/quotes", body=json.dumps(order).encode(), headers={"Content-Type": "application/json"})
    assert quoted.status == 201
    assert json.loads(quoted.body) == {"total": "8.60", **order}
    refused = site.send("POST", "/quotes", body=b'{"lines": []}', headers={"Content-Type": "application/json"})
    assert refused.status == 422
    assert json.loads(refused.body)["detail"][0]["loc"] == ["body", "lines"]
    missing = site.get("/prices/cake")
    assert (missing.status, json.loads(missing.body)) == (404, {"detail": "we bake no cake"})


def flask(site: Browser) -> None:
    assert "<h1>Hello, stranger</h1>" in site.get("/").text
    assert "<h1>Hello, Ada</h1>" in site.get("/?name=Ada").text
    assert site.get("/static/birds.css").body == (FOLDER / "flask/static/birds.css").read_bytes()
    for bird in ("robin", "Grünspecht"):
        posted = site.post("/seen", {"bird": bird})
        assert posted.status == 302
        assert urlsplit(posted.headers["location"]).path == "/"
    assert json.loads(site.get("/seen.json").body) == ["robin", "Grünspecht"]
    assert '<p class="bird">Grünspecht</p>' in site.get("/").text
    assert site.get("/nowhere").status == 404


def django(site: Browser) -> None:
    home = site.get("/")
    assert home.status == 200
    assert home.text.index("Sirius") < home.text.index("Betelgeuse")
    orion = site.get("/?constellation=Orion").text
    assert ("Rigel" in orion, "Sirius" in orion) == (True, False)
    assert "In Boötes, magnitude -0.05" in site.get("/stars/Arcturus/").text
    assert site.get("/stars/Nemesis/").status == 404
    assert site.get("/static/stars/stars.css").body == (FOLDER / "django/stars/static/stars/stars.css").read_bytes()
    _django_admin(site)


def _django_admin(site: Browser) -> None:
    entry = site.get("/admin/")
    assert (entry.status, entry.headers["location"]) == (302, "/admin/login/?next=/admin/")
    login = site.get("/admin/login/?next=/admin/")
    assert "Django administration" in login.text
    style = site.get("/static/admin/css/login.css")
    assert style.status == 200
    assert style.headers["content-type"].startswith("text/css")
    assert b".login" in style.body
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', login.text)
    assert token is not None
    form = {"username": "ada", "password": "wrong", "csrfmiddlewaretoken": token[1]}
    refused = site.post("/admin/login/", form, Referer=site.url)
    assert refused.status == 200
    assert "Please enter the correct username and password" in refused.text
    assert site.post("/admin/login/", {"username": "ada"}).status == 403


def datasette(site: Browser) -> None:
    home = site.get("/")
    assert home.status == 200
    assert "fixtures" in home.text
    table = site.get("/fixtures/moons?_sort=discovered&planet=6")
    assert "Enceladus" in table.text
    assert "Ganymede" not in table.text
    rows = json.loads(site.get("/fixtures/moon_counts.json?_shape=array").body)
    assert rows[0] == {"planet": "Jupiter", "moons": 5}
    query = "/fixtures.json?sql=select+name+from+planets+where+diameter_km+%3E+:size&size=100000&_shape=arrayfirst"
    answer = site.get(query)
    while answer.status in (301, 302):  # newer releases answer queries elsewhere
        answer = site.get(answer.headers["location"])
    assert json.loads(answer.body) == ["Jupiter", "Saturn"]
    assert site.get("/-/static/app.css").headers["content-type"].startswith("text/css")
    assert site.get("/fixtures/comets").status == 404


PAGES: dict[str, Callable[[Browser], None]] = {
    "hello": hello,
    "cowsay": cowsay,
    "starlette": starlette,
    "fastapi": fastapi,
    "flask": flask,
    "django": django,
    "datasette": datasette,
}
