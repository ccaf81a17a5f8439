"""Determine which modules the start of an app imports, from the imports of each module.

The walk starts at the user's own modules and visits the nearest imports first, because those are worth most if space is
limited. It also follows strings that name modules (Django's settings, lazy imports) and plugins of packages that are reached.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from lambent.package.cache import read_json, write_json
from lambent.package.shards.import_scanner import ModuleImports, module_name
from lambent.package.shards.shard import EntryPoint, Shard
from lambent.package.shards.slim import prefixes

_FORMAT = "3"  # increase it when the same imports would give another result


def startup_modules(
    shards: Iterable[tuple[Shard, Set[str]]], own: Mapping[str, ModuleImports], roots: Iterable[str], folder: Path
) -> list[str]:
    """Return what `reachable_modules` finds in shards and the user's own modules. The result is cached in `folder`.

    `shards` come with the paths that are left out of each.
    """
    pairs, starts = list(shards), sorted(roots)
    own_words = [[path, *map(sorted, (imports.eager, imports.lazy, imports.strings))] for path, imports in sorted(own.items())]
    names = [[shard.path.name, sorted(skipped)] for shard, skipped in pairs]
    key = json.dumps([_FORMAT, _rules_text(), names, own_words, starts])
    path = folder / "startup" / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.json"
    cached = read_json(path)
    if isinstance(cached, list):
        return cached
    tables = [{path: imports for path, imports in shard.imports.items() if path not in skipped} for shard, skipped in pairs]
    plugins = [point for shard, _ in pairs for point in shard.facts.entry_points]
    modules = reachable_modules(own, tables, starts, plugins)
    with suppress(OSError):  # a full disk must not fail a build that doesn't need to write anything else
        write_json(path, modules)
    return modules


def reachable_modules(
    own: Mapping[str, ModuleImports],
    packages: Iterable[Mapping[str, ModuleImports]],
    roots: Iterable[str],
    plugins: Iterable[EntryPoint] = (),
) -> list[str]:
    """Return the paths of the source files that a start reaches, nearest first.

    They are followed by what functions import, in the user's modules and in the packages that those name: a start calls some
    of these functions, and the first request others. Functions of other packages run so rarely that it isn't worth compiling
    what they import.

    `own` holds the user's modules and `packages` those of the dependencies, by path. `roots` are the modules that are
    imported first, `plugins` the entry points of all packages.
    """
    walk = _Walk([own, *packages], plugins)
    walk.run(roots)
    near = {_top(word) for module in own.values() for word in module.eager | module.lazy | module.strings}
    near |= {_top(module_name(path)) for path in own}
    lazy = [word for module, imports in walk.loaded.items() if _top(module) in near for word in sorted(imports.lazy)]
    walk.run([word for word in lazy if not _is_unused(word)])
    return list(walk.paths)


class _Walk:
    def __init__(self, tables: Iterable[Mapping[str, ModuleImports]], plugins: Iterable[EntryPoint]) -> None:
        self._files = {module_name(path): (path, imports) for table in tables for path, imports in table.items()}
        self._plugins: dict[str, list[str]] = {}
        for group, _, value in plugins:  # by custom, a group names the package it is for: "datasette", "flask.commands"
            self._plugins.setdefault(_top(group), []).append(value.partition(":")[0])
        self.paths: dict[str, None] = {}
        self.loaded: dict[str, ModuleImports] = {}
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
            path, imports = self._files.get(module, ("", None))
            if imports is None or path in self.paths:
                continue
            self.paths[path] = None
            self.loaded[module] = imports
            self._next.extend(sorted(imports.eager))
            self._next.extend(name for string in sorted(imports.strings) for name in self._named_modules(string))
            self._next.extend(_rules()["hints"].get(module, ()))
            if "." not in module:
                self._next.extend(self._plugins.pop(module, ()))

    def _named_modules(self, string: str) -> Iterator[str]:
        """Yield the modules that a string leads to, if it is the name of a module or of something in one."""
        if string not in self._files:
            string = string.rpartition(".")[0]
            if "." not in string or string not in self._files:
                return
        yield string
        for submodule in _rules()["packages"]["submodules"]:
            if f"{string}.{submodule}" in self._files:
                yield f"{string}.{submodule}"


def _top(module: str) -> str:
    return module.partition(".")[0]


def _is_unused(word: str) -> bool:
    """Return whether a module is for other environments than Lambda, as servers and tests are."""
    rules = _rules()["functions"]
    return any(prefix in rules["unused"] for prefix in prefixes(word)) or not set(word.split(".")).isdisjoint(rules["tests"])


@cache
def _rules_text() -> str:
    return (Path(__file__).parent / "startup_modules.toml").read_text("utf-8")


@cache
def _rules() -> dict[str, Any]:
    return tomllib.loads(_rules_text())
