"""Ignore rules in .gitignore's form, compiled once and quick to ask. Pure.

As git does it: one asks for each folder and file on the way down, the last pattern that matches decides, and below an
ignored folder nothing is asked. So a pattern needs to match no more than the very name that is asked about. Consecutive
patterns of one kind are joined into one expression: a project of thousands of files is asked thousands of times.
The form: https://git-scm.com/docs/gitignore (but "?" and brackets stand for a character, where git has them stand for a byte).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from itertools import groupby

from msgspec import Struct

_Match = Callable[..., re.Match[str] | None]
_CLASSES = {
    "alpha": "a-zA-Z",
    "digit": "0-9",
    "alnum": "a-zA-Z0-9",
    "upper": "A-Z",
    "lower": "a-z",
    "xdigit": "0-9a-fA-F",
    "space": r"\s",
    "blank": r" \t",
    "punct": r"!-/:-@\[-`{-~",
}
_BRACKET_END = re.compile(r"[!^]?\]?(?:\\.|\[:[a-z]+:\]|[^]\\])*\]")


class Rules(Struct, frozen=True):
    """The patterns of one ignore file. `prefix` is its folder's path in the project, with its slash ("" at the top)."""

    prefix: str
    groups: tuple[tuple[bool, _Match | None, _Match | None], ...]  # ignores?, by the last part, by the whole path

    def verdict(self, path: str, name: str) -> bool | None:
        """Whether `path` is ignored; None where no pattern says. `name` is its last part; both of a folder end in a slash."""
        for ignores, names, paths in self.groups:
            if (names and names(name)) or (paths and paths(path, len(self.prefix))):
                return ignores
        return None


def rules(lines: Iterable[str], prefix: str = "") -> Rules:
    """The rules of an ignore file's lines."""
    parsed = [found for line in lines if (found := _parse(line))]
    groups = [_group(ignores, [(anchored, text) for _, anchored, text in same]) for ignores, same in groupby(parsed, _kind)]
    return Rules(prefix, tuple(reversed(groups)))


def parents(patterns: Iterable[str]) -> frozenset[str]:
    """The folders on the way to what patterns may match: of "a/b/*.bin", "a/" and "a/b/". One without a slash names none."""
    found = set()
    for pattern in patterns:
        parts = pattern.strip("/").split("/")[:-1] if "/" in pattern.rstrip("/") else []
        for index, part in enumerate(parts):
            if re.search(r"[*?\[\\]", part):
                break
            found.add("/".join(parts[: index + 1]) + "/")
    return frozenset(found)


def _kind(parsed: tuple[bool, bool, str]) -> bool:
    return parsed[0]


def _group(ignores: bool, patterns: list[tuple[bool, str]]) -> tuple[bool, _Match | None, _Match | None]:
    joined = ["|".join(text for whole, text in patterns if whole is anchored) for anchored in (False, True)]
    names, paths = (re.compile(text, re.DOTALL).fullmatch if text else None for text in joined)
    return ignores, names, paths


def _parse(line: str) -> tuple[bool, bool, str] | None:
    """Whether a line ignores, whether it speaks of a whole path, and its expression. None for a line that matches nothing."""
    text = line.removesuffix("\r")
    text = re.sub(r"(?<!\\)((?:\\\\)*) +$", r"\1", text)  # spaces at the end count only if quoted
    if not text or text.startswith("#"):
        return None
    ignores = not text.startswith("!")
    text = text.removeprefix("!")
    folder = text.endswith("/")
    text = text.removesuffix("/")
    anchored = "/" in text
    expression = _translate(text.removeprefix("/"))
    if not expression:
        return None
    expression += "(?<!/)/" if folder else "(?<!/)/?"  # in "docs/*" the star stands for something
    try:
        re.compile(expression)
    except re.error:  # a range from z to a: git matches nothing by it
        return None
    return ignores, anchored, expression


def _translate(glob: str) -> str:
    """A glob as an expression; "" if it is none, as with a bracket that never closes."""
    told, at = "", 0
    while at < len(glob):
        if glob.startswith("**/", at) and (at == 0 or glob[at - 1] == "/"):
            told, at = told + "(?:.*/)?", at + 3
        elif glob[at:] == "**" and (at == 0 or glob[at - 1] == "/"):
            told, at = told + ".+", at + 2
        elif glob[at] == "*":
            at += len(glob[at:]) - len(glob[at:].lstrip("*"))
            told += "[^/]*"
        elif glob[at] == "?":
            told, at = told + "[^/]", at + 1
        elif glob[at] == "[":
            end = _BRACKET_END.match(glob, at + 1)
            if end is None:
                return ""
            told, at = told + _bracket(end[0][:-1]), end.end()
        else:
            quoted = glob[at] == "\\"
            if quoted and at + 1 == len(glob):
                return ""
            told, at = told + re.escape(glob[at + quoted]), at + 1 + quoted
    return told


def _bracket(inside: str) -> str:
    """What stands between brackets, as an expression. A bracket never matches a slash."""
    negated = inside[:1] in ("!", "^")
    text = inside[1:] if negated else inside
    told = ""
    for part in re.findall(r"\[:[a-z]+:\]|\\.|.", text, re.DOTALL):
        if part.startswith("[:") and len(part) > 2:
            told += _CLASSES.get(part[2:-2], "")
        elif part == "-":
            told += "-"
        else:
            told += re.escape(part[-1])
    return f"(?!/)[{'^' if negated else ''}{told}]"
