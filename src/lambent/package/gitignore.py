"""Ignore rules in the format of .gitignore, compiled once so that matching is fast. Pure.

As in git, the caller asks about each folder and file from the top down, the last matching pattern decides, and nothing below
an ignored folder is asked about. So a pattern only has to match the path itself, and not what is below it. Consecutive patterns
of one kind become one expression, since a large project asks thousands of times.
Format: https://git-scm.com/docs/gitignore. Unlike git's, "?" and brackets match a character and not a byte.
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
    """The patterns of one ignore file. `prefix` is the path of its folder in the project, with a slash at the end, or ""."""

    prefix: str
    groups: tuple[tuple[bool, _Match | None, _Match | None], ...]  # ignores?, by the last part, by the whole path

    def verdict(self, path: str, name: str) -> bool | None:
        """Whether `path` is ignored, or None if no pattern matches. `name` is its last part. A folder's end with a slash."""
        for ignores, names, paths in self.groups:
            if (names and names(name)) or (paths and paths(path, len(self.prefix))):
                return ignores
        return None


def rules(lines: Iterable[str], prefix: str = "") -> Rules:
    """Compile the lines of an ignore file."""
    parsed = [pattern for line in lines if (pattern := _parse(line))]
    groups = [_group(ignores, [(anchored, text) for _, anchored, text in same]) for ignores, same in groupby(parsed, _kind)]
    return Rules(prefix, tuple(reversed(groups)))


def parents(patterns: Iterable[str]) -> frozenset[str]:
    """Return the folders above the paths that patterns can match: "a/" and "a/b/" for "a/b/*.bin", none for "*.bin"."""
    folders = set()
    for pattern in patterns:
        parts = pattern.strip("/").split("/")[:-1] if "/" in pattern.rstrip("/") else []
        for index, part in enumerate(parts):
            if re.search(r"[*?\[\\]", part):
                break
            folders.add("/".join(parts[: index + 1]) + "/")
    return frozenset(folders)


def _kind(parsed: tuple[bool, bool, str]) -> bool:
    return parsed[0]


def _group(ignores: bool, patterns: list[tuple[bool, str]]) -> tuple[bool, _Match | None, _Match | None]:
    joined = ["|".join(text for is_anchored, text in patterns if is_anchored is anchored) for anchored in (False, True)]
    names, paths = (re.compile(text, re.DOTALL).fullmatch if text else None for text in joined)
    return ignores, names, paths


def _parse(line: str) -> tuple[bool, bool, str] | None:
    """Return whether a line ignores, whether it matches whole paths, and its expression; None if it matches nothing."""
    text = line.removesuffix("\r")
    text = re.sub(r"(?<!\\)((?:\\\\)*) +$", r"\1", text)  # trailing spaces count only if they are quoted
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
    expression += "(?<!/)/" if folder else "(?<!/)/?"  # in "docs/*" the star matches at least one character
    try:
        re.compile(expression)
    except re.error:  # a range such as z-a, which matches nothing in git
        return None
    return ignores, anchored, expression


def _translate(glob: str) -> str:
    """Translate a glob to an expression; "" if it is invalid, as with an unclosed bracket."""
    expression, at = "", 0
    while at < len(glob):
        if glob.startswith("**/", at) and (at == 0 or glob[at - 1] == "/"):
            expression, at = expression + "(?:.*/)?", at + 3
        elif glob[at:] == "**" and (at == 0 or glob[at - 1] == "/"):
            expression, at = expression + ".+", at + 2
        elif glob[at] == "*":
            at += len(glob[at:]) - len(glob[at:].lstrip("*"))
            expression += "[^/]*"
        elif glob[at] == "?":
            expression, at = expression + "[^/]", at + 1
        elif glob[at] == "[":
            end = _BRACKET_END.match(glob, at + 1)
            if end is None:
                return ""
            expression, at = expression + _bracket(end[0][:-1]), end.end()
        else:
            quoted = glob[at] == "\\"
            if quoted and at + 1 == len(glob):
                return ""
            expression, at = expression + re.escape(glob[at + quoted]), at + 1 + quoted
    return expression


def _bracket(inside: str) -> str:
    """Translate the inside of brackets to an expression. Brackets never match a slash."""
    negated = inside[:1] in ("!", "^")
    text = inside[1:] if negated else inside
    characters = ""
    for part in re.findall(r"\[:[a-z]+:\]|\\.|.", text, re.DOTALL):
        if part.startswith("[:") and len(part) > 2:
            characters += _CLASSES.get(part[2:-2], "")
        elif part == "-":
            characters += "-"
        else:
            characters += re.escape(part[-1])
    return f"(?!/)[{'^' if negated else ''}{characters}]"
