"""Which modules a start imports, told from import tables. Pure.

From the user's own modules along what each imports when it is imported, by nearness: what comes first is worth most where
room is short. Names in strings count too where they are modules (Django's settings, lazy imports), and so do plugins that
announce themselves to a package that is reached.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from lambent.package.shards.import_scanner import Imports, module_of
from lambent.package.shards.slim import prefixes


def reached(
    own: Mapping[str, Imports],
    tables: Iterable[Mapping[str, Imports]],
    roots: Iterable[str],
    plugins: Iterable[tuple[str, str, str]] = (),
) -> list[str]:
    """The source files, by their path, that a start reaches, nearest first; then what functions of the user's modules import,
    and of the packages that those name: a start calls some of them, and the first request others. Functions of packages
    further away are called so seldom that compiling what they import is not worth it.

    `own` holds the user's modules and `tables` those of packages, by path; `roots` names the modules that start it all;
    `plugins` are the entry points of all packages: (group, name, "module:object").
    """
    walk = _Walk([own, *tables], plugins)
    walk.run(roots)
    near = {_top(word) for each in own.values() for word in each.now | each.later | each.strings}
    near |= {_top(module_of(path)) for path in own}
    later = [word for module, each in walk.loaded.items() if _top(module) in near for word in sorted(each.later)]
    walk.run([word for word in later if not _idle(word)])
    return list(walk.seen)


class _Walk:
    def __init__(self, tables: Iterable[Mapping[str, Imports]], plugins: Iterable[tuple[str, str, str]]) -> None:
        self._files = {module_of(path): (path, imports) for table in tables for path, imports in table.items()}
        self._plugins: dict[str, list[str]] = {}
        for group, _, value in plugins:
            self._plugins.setdefault(_host(group), []).append(value.partition(":")[0])
        self.seen: dict[str, None] = {}
        self.loaded: dict[str, Imports] = {}
        self._next: list[str] = []

    def run(self, roots: Iterable[str]) -> None:
        wave: Sequence[str] = sorted(roots)
        while wave:
            self._next = []
            for word in wave:
                self._load(word)
            wave = self._next

    def _load(self, word: str) -> None:
        for module in prefixes(word):
            found = self._files.get(module)
            if found is None or found[0] in self.seen:
                continue
            path, imports = found
            self.seen[path] = None
            self.loaded[module] = imports
            self._next.extend(sorted(imports.now))
            self._next.extend(name for string in sorted(imports.strings) for name in self._named(string))
            self._next.extend(_hints().get(module, ()))
            if "." not in module:
                self._next.extend(self._plugins.pop(module, ()))

    def _named(self, string: str) -> Iterator[str]:
        """What a string brings, if it is the name of a module, or of something in one."""
        if string not in self._files:
            string = string.rpartition(".")[0]
            if "." not in string or string not in self._files:
                return
        yield string
        for part in _conventions():
            if f"{string}.{part}" in self._files:
                yield f"{string}.{part}"


def _top(module: str) -> str:
    return module.partition(".")[0]


def _idle(word: str) -> bool:
    """Whether what this names is for other places than Lambda, as servers and tests are."""
    rules = _rules()["functions"]
    return any(prefix in rules["idle"] for prefix in prefixes(word)) or not set(word.split(".")).isdisjoint(rules["tests"])


def _host(group: str) -> str:
    """The package that a group of entry points is for, by custom: "datasette", "flask.commands"."""
    return group.partition(".")[0]


@cache
def rules_text() -> str:
    """The rules as they are, for cache keys."""
    return (Path(__file__).parent / "startup.toml").read_text("utf-8")


@cache
def _rules() -> dict[str, Any]:
    return tomllib.loads(rules_text())


def _hints() -> Mapping[str, Sequence[str]]:
    found: Mapping[str, Sequence[str]] = _rules()["hints"]
    return found


def _conventions() -> Sequence[str]:
    found: Sequence[str] = _rules()["named"]["also"]
    return found
