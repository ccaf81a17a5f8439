"""A build again, from its receipt: the same bytes as from the beginning, or no answer at all."""

from __future__ import annotations

import ast
import os
import random
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import platformdirs
import pytest

from lambent.cli import again
from lambent.cli.again import build_again
from lambent.cli.main import cli
from lambent.config.scan import Scan
from lambent.package.again import receipt as receipts
from lambent.package.again.skeleton import moved, skeleton
from lambent.package.proof import modules
from lambent.package.shards.imports import scan

MAIN = """\
import cowsay
from helpers import greet

SIZE = 3


def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [cowsay.get_output_string("cow", greet("you")).encode()]
"""
HELPERS = '''\
"""Words."""


def greet(name):
    """Says hello."""
    return "Hello, " + name


def unused(a, b=1):
    from json import dumps
    return dumps([a, b])
'''


class Project:
    """A project in the current folder, and its cache beside it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.cache = folder, folder.parent / "cache"
        self.words = ["--cache-dir", str(self.cache), "--target", "python3.13-arm64"]

    def write(self, name: str, text: str | bytes) -> None:
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)

    def edit(self, name: str, old: str, new: str) -> None:
        text = (self.folder / name).read_text()
        assert old in text
        self.write(name, text.replace(old, new))

    def build(self, *more: str) -> None:
        """From the beginning."""
        sys.argv = ["lambent", "build", *self.words, *more]
        cli.main(args=sys.argv[1:], prog_name="lambent", standalone_mode=False)

    def again(self, *more: str) -> bool:
        return build_again([*self.words, *more])

    def receipt(self) -> Path:
        (path,) = (self.cache / "again").iterdir()
        return path


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    folder = tmp_path / "cows"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "argv", [])
    monkeypatch.delenv("LAMBENT_CACHE", raising=False)
    made = Project(folder)
    for name, text in (
        ("main.py", MAIN),
        ("helpers.py", HELPERS),
        ("requirements.txt", "cowsay==6.1\n"),
        ("data.txt", "one\n"),
    ):
        made.write(name, text)
    made.write("static/page.html", "<p>" + "words " * 100)
    made.write("static/logo.png", bytes(range(256)))
    return made


Edit = Callable[[Project], None]

SMALL: dict[str, Edit] = {
    "a comment": lambda p: p.edit("main.py", "SIZE", "# a comment\nSIZE"),
    "a word in a function": lambda p: p.edit("helpers.py", "Hello", "Good morning"),
    "a line in a function": lambda p: p.edit("helpers.py", '    return "', '    name = name.upper()\n    return "'),
    "a page": lambda p: p.edit("static/page.html", "words", "letters"),
    "a page that became small": lambda p: p.write("static/page.html", "x"),
    "a picture": lambda p: p.write("static/logo.png", random.Random(1).randbytes(5000)),
    "an empty file": lambda p: p.write("static/logo.png", b""),
    "nothing but the date": lambda p: os.utime(p.folder / "main.py"),
    "two at once": lambda p: (p.edit("static/page.html", "words", "w"), p.edit("main.py", '"you"', '"me"'))[0],
}
LARGE: dict[str, Edit] = {
    "an import": lambda p: p.edit("helpers.py", "def unused", "import html\n\n\ndef unused"),
    "an import in a function": lambda p: p.edit("helpers.py", "from json import dumps", "from marshal import dumps"),
    "a constant": lambda p: p.edit("main.py", "SIZE = 3", "SIZE = 4"),
    "a name that may be a module's": lambda p: p.edit("helpers.py", '"Hello, "', '"xml.sax"'),
    "a file that is new": lambda p: p.write("more.py", "x = 1\n"),
    "a file that is gone": lambda p: (p.folder / "static/logo.png").unlink(),
    "a file that may be run": lambda p: (p.folder / "static/logo.png").chmod(0o755),
    "a file that became a folder": lambda p: ((p.folder / "static/logo.png").unlink(), p.write("static/logo.png/x", "x"))[0],
    "a link": lambda p: ((p.folder / "data.txt").unlink(), (p.folder / "data.txt").symlink_to("main.py"))[0],
    "the requirements": lambda p: p.write("requirements.txt", "cowsay==6.0\n"),
    "a file that includes say": lambda p: p.write("data.txt", "two\n"),
    "a mistake in the code": lambda p: p.edit("helpers.py", "return", "retrun"),
    "machine code": lambda p: p.write("static/logo.png", b"\x7fELF" + bytes(100)),
    "something like a secret": lambda p: p.edit("helpers.py", "Hello, ", "AKIAIOSFODNN7"),
    "settings": lambda p: p.write("pyproject.toml", "[tool.lambent]\nexclude = ['data.txt']\n"),
    "rules of what is packed": lambda p: p.write(".lambentignore", "data.txt\n"),
    "a lock": lambda p: p.write("pylock.toml", 'lock-version = "1.0"\ncreated-by = "me"\npackages = []\n'),
}


@pytest.mark.parametrize("edit", SMALL.values(), ids=SMALL)
def test_after_a_small_edit_the_bytes_are_those_of_a_build_from_the_beginning(
    project: Project, edit: Edit, capfd: pytest.CaptureFixture[str]
) -> None:
    project.build()
    capfd.readouterr()
    edit(project)
    assert project.again()
    quick = capfd.readouterr()
    project.build()
    slow = capfd.readouterr()
    assert quick.out == slow.out  # the zip's name is its content's digest
    assert zipfile.ZipFile(quick.out.strip()).testzip() is None
    told, expected = quick.err.splitlines(), slow.err.splitlines()
    assert [line.split("  (")[0] for line in told] == [line.split("  (")[0] for line in expected]
    assert (
        told[0] == expected[0] and "cached" in told[1] and told[2].partition(" files")[0] == expected[2].partition(" files")[0]
    )


def test_edit_after_edit(project: Project, capfd: pytest.CaptureFixture[str]) -> None:
    project.build()
    for edit in SMALL.values():
        if edit is not SMALL["two at once"]:
            edit(project)
        assert project.again()
    quick = capfd.readouterr().out.splitlines()[-1]
    project.build()
    assert capfd.readouterr().out.splitlines()[-1] == quick
    assert len(list((project.cache / "zips").iterdir())) == 6  # as many as a build from the beginning keeps


@pytest.mark.parametrize("edit", LARGE.values(), ids=LARGE)
def test_an_edit_from_which_more_may_follow_is_left_to_a_build_from_the_beginning(project: Project, edit: Edit) -> None:
    project.build()
    assert project.again()
    edit(project)
    assert not project.again()


def test_other_words_another_folder_another_environment(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.build()
    assert project.again()
    assert not project.again("--keep-all")
    monkeypatch.chdir(project.folder / "static")
    assert not project.again()
    monkeypatch.chdir(project.folder)
    monkeypatch.setenv("UV_INDEX_URL", "https://example.com/simple")
    assert not project.again()
    monkeypatch.delenv("UV_INDEX_URL")
    monkeypatch.setenv("SHLVL", "9")
    assert project.again()


def test_the_first_build_leaves_a_receipt_and_an_upgrade_none(project: Project) -> None:
    project.build("--upgrade")
    assert not (project.cache / "again").exists()
    project.build("--json")
    assert not (project.cache / "again").exists()
    project.build()
    assert project.again()


def damaged_zip(project: Project) -> None:
    (made,) = (project.cache / "zips").iterdir()
    data = bytearray(made.read_bytes())
    data[200] ^= 1
    made.write_bytes(data)


DAMAGE: dict[str, Edit] = {
    "the zip": damaged_zip,
    "the zip is gone": lambda p: next((p.cache / "zips").iterdir()).unlink(),
    "the receipt": lambda p: p.receipt().write_bytes(p.receipt().read_bytes()[:-5]) and None,
    "an empty receipt": lambda p: p.receipt().write_bytes(b"") and None,
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_cache_gives_the_same_zip(project: Project, damage: Edit, capfd: pytest.CaptureFixture[str]) -> None:
    project.build()
    before = capfd.readouterr().out
    damage(project)
    assert not project.again()
    project.build()
    assert capfd.readouterr().out == before
    assert project.again()


def test_a_copy_goes_where_it_was_asked_for(project: Project, capfd: pytest.CaptureFixture[str]) -> None:
    out = project.folder.parent / "app.zip"
    project.build("-o", str(out))
    project.edit("helpers.py", "Hello", "Bye")
    capfd.readouterr()
    assert project.again("-o", str(out))
    assert capfd.readouterr().out == f"{out}\n"
    assert b"Bye" in zipfile.ZipFile(out).read("helpers.py")
    out.write_text("a letter")
    assert not project.again("-o", str(out))
    assert out.read_text() == "a letter"


def test_warnings_are_said_every_time(project: Project) -> None:
    project.write("cowsay/__init__.py", "def get_output_string(*said): return said\n")  # hides the package
    project.build()
    assert not project.again()


def test_the_cache_is_where_it_is_said_to_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LAMBENT_CACHE", raising=False)
    assert Path(again._cache([])) == platformdirs.user_cache_path("lambent")
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert Path(again._cache([])) == platformdirs.user_cache_path("lambent")
    monkeypatch.setenv("LAMBENT_CACHE", "/elsewhere")
    assert [again._cache([]), again._cache(["--cache-dir=a"]), again._cache([".", "--cache-dir", "b"])] == [
        "/elsewhere",
        "a",
        "b",
    ]


def test_a_receipt_comes_back_as_it_was(tmp_path: Path) -> None:
    path = str(tmp_path / "again/x")
    receipts.write(path, {"made": 3})  # type: ignore[typeddict-item]
    assert receipts.read(path) == {"made": 3}
    assert [each.name for each in (tmp_path / "again").iterdir()] == ["x"]


def test_a_statement_that_moved_is_found() -> None:
    old, new = b"import a\napp = a.App()\n", b"import a\n# one\n\napp = a.App()\n"
    assert moved(old, new, 2) == 4
    assert moved(b"if 1:\n    app = 1\n", b"if 1:\n\n    app = 1\n", 2) is None


NASTY = (
    *("import json", "from . import views", "globals()", "exec('x')", 'x = "a.b.c"', "x = 'config.settings'", 'x = f"a.b"'),
    *(
        'x = "one " "a.b"',
        'x = ("a"\n"b.c")',
        "sys.path.append('x')",
        "# 'a.b'",
        "app = Flask(__name__)",
        "return create_app()",
    ),
    *(
        "if TYPE_CHECKING:",
        "    import typing",
        "try:",
        "except ImportError:",
        "else:",
        "def inner():",
        "class App:",
        "x = '''",
    ),
    *(
        "'''",
        "global app",
        "yield",
        "pass",
        "x = b'a.b'",
        'x = f"{y} " "a.b"',
        "async def go():",
        "@wraps",
        "lambda: 1",
        "x = 1",
    ),
    *('x = "a sentence. And one more."', "return app", "application = app", "def create_app():", "INSTALLED_APPS = ['a']"),
)
CORPUS = [MAIN.encode(), HELPERS.encode()]
CORPUS += [path.read_bytes() for path in sorted((Path(__file__).parent.parent / "examples").rglob("*.py"))]
CORPUS += [Path(found.__file__ or "").read_bytes() for found in (modules, ast, random, again)]


def meaning(name: str, source: bytes) -> object:
    """All that finding the app, choosing bytecode and the proof take from a module, but for line numbers."""
    read = modules.read(name, source, (3, 13))
    names = Scan("app.main", "app", lambda module, name: None)
    names.run(ast.parse(source).body)
    values = {name: str(value).partition(", line=")[0] for name, value in names.names.items()}
    takes = [name for name in names.functions if names.takes_event(name)]
    assert read is not None
    imports = [(each.module, each.names, each.when) for each in read.imports]
    found = scan(name, source)
    return imports, read.binds, read.open, modules.SEARCHES.search(source) is not None, found, values, names.starred, takes


def changed(source: bytes, chance: random.Random) -> bytes:
    lines = source.decode().splitlines()
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(len(lines))
        indent = lines[at][: len(lines[at]) - len(lines[at].lstrip())]
        kind = chance.randrange(4)
        if kind == 0:
            lines.insert(at, indent + chance.choice(NASTY))
        elif kind == 1:
            del lines[at]
        elif kind == 2:
            lines[at] = indent + chance.choice(NASTY)
        else:
            lines.insert(at, lines[chance.randrange(len(lines))])
    return ("\n".join(lines) + "\n").encode()


@pytest.mark.parametrize("seed", range(12))
def test_the_same_skeleton_means_the_same(seed: int) -> None:
    chance = random.Random(seed)
    words = sorted(modules.DYNAMIC)
    same = 0
    for source in CORPUS:
        if not 50 < len(source) < 30_000:
            continue
        drawn = skeleton("app/main.py", source, words)
        for _ in range(12):
            other = changed(source, chance)
            if drawn is not None and skeleton("app/main.py", other, words) == drawn:
                same += 1
                assert meaning("app/main.py", source) == meaning("app/main.py", other), other.decode()
    assert same > 3
