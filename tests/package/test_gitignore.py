"""Ignore rules match like git's: the packed files are those that `git ls-files` would add."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from lambent.package.gitignore import parents, rules
from lambent.package.project_files import collect, packs

TREE = (
    *("a.txt", "b.txt", "b.md", "#x", "!y", "a b.txt", "trail ", "build/a.txt", "build/deep/b.md", "pkg/a.txt", "pkg/build"),
    *("pkg/sub/a.txt", "pkg/sub/deep/b.md", "docs/x/y/z.md", "docs/y.md", "a[1].txt", "back\\slash", "A.txt", "naïve.py"),
    *("foo/bar/baz/a.txt", "foo/baz/a.txt", "x-y", "x_y", "1.log", "22.log", "c.logs"),
)
CASES = [
    *("*.txt", "/a.txt", "a.txt", "build", "build/", "/build", "pkg/build", "pkg/build/", "build/*", "build/**", "**/build"),
    *(
        "*.md\n!b.md",
        "docs/\n!docs/y.md",
        "docs/*\n!docs/y.md",
        "docs/**\n!docs/**/",
        "pkg/*\n!pkg/sub",
        "!a.txt",
        "\\#x",
        "\\!y",
    ),
    *("#x", "trail\\ ", "trail ", "a\\ b.txt", "a b.txt", "[ab].txt", "[!a].txt", "[^a].txt", "a[[]1].txt", "a\\[1\\].txt"),
    *("[", "[z-a].txt", "back\\\\slash", "*.LOG", "?.log", "??.log", "[0-9]*.log", "[[:digit:]].log", "x[-_]y", "x[_-]y"),
    *(
        "foo/**/a.txt",
        "foo/**/baz",
        "**/deep/*.md",
        "*/a.txt",
        "*",
        "/*\n!/pkg",
        "**",
        "/",
        "a.*",
        "*a*",
        "**a.txt",
        "foo**a.txt",
    ),
    *("[]a].txt", "[!]a].txt", "[a\\]].txt", "\ufeff*.txt", "*.txt\r\n!a.txt\r", "b.m\\d", "b.md\\"),
    *(
        "pkg//a.txt",
        "./a.txt",
        "a.txt/",
        "pkg/sub/**/b.md",
        "pk[g/]a.txt",
        "pkg?a.txt",
        "f*/b*/a.txt",
        "*/*/deep",
        "{a,b}.txt",
        "naï*",
    ),
]

needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="no git on this machine")


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    top = tmp_path_factory.mktemp("repository")
    for name in TREE:
        path = top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    subprocess.run(["git", "init", "-q"], cwd=top, check=True)
    return top


def added(top: Path) -> set[str]:
    """Return what git would add, without its ignore file, which is never packed."""
    quiet = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    command = ["git", "ls-files", "-o", "-z", "--exclude-standard"]
    output = subprocess.run(command, cwd=top, env=quiet, capture_output=True, check=True).stdout
    return {name for name in output.decode().split("\0") if name and not name.endswith(".gitignore")}


def check(top: Path) -> None:
    expected = added(top)
    assert set(collect(top).files) == expected
    assert {name for name in TREE if packs(top, name)} == expected


@needs_git
@pytest.mark.parametrize("lines", CASES)
def test_rules_of_one_file_match_as_in_git(repository: Path, lines: str) -> None:
    (repository / ".gitignore").write_text(lines, "utf-8")
    check(repository)


@needs_git
def test_nearer_file_wins(repository: Path) -> None:
    (repository / ".gitignore").write_text("*.md\n/pkg/a.txt\ndeep/\n")
    (repository / "pkg/.gitignore").write_text("!*.md\n!a.txt\n!deep/\n/sub/a.txt\n")
    try:
        check(repository)
    finally:
        (repository / "pkg/.gitignore").unlink()


PIECES = some.sampled_from(["a", "b", ".txt", ".md", "*", "**", "/", "/", "?", "[ab]", "pkg", "build", "deep", "docs", "foo"])
LINES = some.lists(some.tuples(some.booleans(), some.lists(PIECES, min_size=1, max_size=5).map("".join)), max_size=5)


@needs_git
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(LINES)
def test_random_rules_match_as_in_git(repository: Path, lines: list[tuple[bool, str]]) -> None:
    (repository / ".gitignore").write_text("".join(f"{'!' * negated}{text}\n" for negated, text in lines))
    check(repository)


def test_parents_of_included_paths() -> None:
    assert parents(["a/b/*.bin", "/x/", "model.bin", "c*/d", "dist/site/"]) == {"a/", "a/b/", "dist/"}


def test_empty_file_has_no_rules() -> None:
    assert rules(["", "# a comment", "   ", "/"]).verdict("a.txt", "a.txt") is None
