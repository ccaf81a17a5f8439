"""Decide which files of a wheel a zip doesn't need. Pure; the rules are data (slim.toml).

Tests, docs and examples are only dropped if no module that stays imports them, as far as the sources show. Everything else is
decided by name.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from fnmatch import translate
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from lambent import removed_modules
from lambent.lazy import LazyModule
from lambent.package.compiler import source_of
from lambent.package.shards.import_scanner import ModuleImports, module_name

if TYPE_CHECKING:
    from packaging import utils
else:
    utils = LazyModule("packaging.utils")  # 25 ms, and few projects leave packages out

_REQUIREMENT_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_CONDITIONAL = r"(?:tests?|docs?|examples?)"
_CONDITIONAL_MODULE = re.compile(r"(^|\.)(tests?|docs?|examples?|conftest|test_\w+)(\.|$)")
_CONDITIONAL_ROOT = re.compile(rf"^(?:.*?/)??{_CONDITIONAL}(?=/)")
_FILE_NAME = re.compile(rb"""["'/](docs?(?=["'/])|examples?(?=["'/])|[\w.*-]+\.[a-z]\w{0,4}(?=["']))""")


class SlimOptions(Struct, frozen=True):
    """What the user can configure. `keep` and `drop` are patterns of paths in the zip, or folders; `keep` takes precedence.

    `without` names packages that the runtime already has ("boto3"). They are left out, with everything that only they need.
    """

    keep_all: bool = False
    keep: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()
    strip: bool = True
    without: tuple[str, ...] = ()

    @property
    def wheel_key(self) -> str:
        """The options that affect a single wheel, for its cache key."""
        return repr((self.keep_all, self.keep, self.drop, self.strip))


class Verdicts(Struct, frozen=True):
    """`dropped` maps paths to the rule that drops them; `conditional` to the rule that drops them unless they are imported."""

    dropped: dict[str, str]
    conditional: dict[str, str]


def judge(paths: Iterable[str], package: str, dist_info: str, options: SlimOptions) -> Verdicts:
    """Apply the rules to the paths of a wheel. `package` is its normalized name."""
    verdicts = Verdicts({}, {})
    if options.keep_all:
        return verdicts
    existing = set(paths := list(paths))
    is_kept = _matcher((*_rules()["keep"].get(package, ()), *_with_content(options.keep)))
    is_dropped = _matcher((*_rules()["drop"].get(package, ()), *_with_content(options.drop)))
    for path in paths:
        if is_kept(path):
            continue
        if is_dropped(path):
            verdicts.dropped[path] = "drop"
        elif path.startswith(f"{dist_info}/"):
            if path.removeprefix(f"{dist_info}/") in _rules()["installer"]["drop"]:
                verdicts.dropped[path] = "installer"
        elif path.endswith(".pyc"):  # a .pyc without its source is the module itself
            if (source_of(path) or path[:-1]) in existing:
                verdicts.dropped[path] = "bytecode"
        elif rule := _matching_rule("files", path):
            verdicts.dropped[path] = rule
        elif rule := _matching_rule("modules", path):
            verdicts.conditional[path] = rule
    _spare_what_is_not_tests(existing, verdicts)
    return verdicts


def _spare_what_is_not_tests(existing: Set[str], verdicts: Verdicts) -> None:
    conditional = verdicts.conditional
    if not any(module_name(path) for path in existing - verdicts.dropped.keys() - conditional.keys()):
        conditional.clear()  # a package that has only tests is installed for its tests
    with_modules = {_root(path) for path in conditional if path.endswith(".py")}
    for path in [path for path, rule in conditional.items() if rule == "tests" and _root(path) not in with_modules]:
        del conditional[path]  # a folder without modules may be data of the program: dbt's generic tests, a template


def imported_files(conditional: Mapping[str, str], imports: Iterable[ModuleImports], entry_points: Iterable[str]) -> set[str]:
    """Return the conditional files that modules which stay import: everything in such a folder, or the single file."""
    roots_of_files = {path: _root(path) for path in conditional}
    roots = {_module_of_root(root): root for root in roots_of_files.values()}
    words = [(word, "") for word in entry_points]
    for module in imports:
        words += [(word, "") for word in module.eager | module.lazy]
        words += [(word, ".py") for word in module.strings]  # modules that are imported by name are single files
    imported: set[str] = set()
    for word, suffix in words:
        if "test" in word or "doc" in word or "exampl" in word:
            imported.update(roots[prefix] for prefix in prefixes(word) if prefix in roots and roots[prefix].endswith(suffix))
    return {path for path, root in roots_of_files.items() if root in imported}


def dropped_module_roots(dropped: Mapping[str, str]) -> list[str]:
    """Return the folders ("numpy/tests") and single files of dropped modules, as few as describe them all."""
    return sorted({_root(path) for path, rule in dropped.items() if rule in _rules()["modules"] and module_name(path)})


def imported_roots(roots: Iterable[str], words: Iterable[str]) -> tuple[str, ...]:
    """Return those of `dropped_module_roots` that one of these imports is from."""
    modules = {_module_of_root(root): root for root in roots}
    return tuple(sorted({modules[prefix] for word in words for prefix in prefixes(word) if prefix in modules}))


def packages_left_out(requires: Mapping[str, Iterable[str]], requested: Set[str], without: Iterable[str]) -> frozenset[str]:
    """Return the packages that `without` leaves out: those it names, and what nothing else needs.

    `requires` maps each package to its Requires-Dist lines. Their markers are ignored, which at worst keeps too much.
    """
    excluded = {utils.canonicalize_name(name) for name in without} & requires.keys()
    if not excluded:
        return frozenset()
    needs = {
        package: {utils.canonicalize_name(match[0]) for line in lines if (match := _REQUIREMENT_NAME.match(line))}
        for package, lines in requires.items()
    }
    candidates = _closure(excluded, needs)
    needed = _closure((requested or requires.keys() - candidates) - excluded, needs, excluded)
    return frozenset(excluded | (candidates - needed))


def _closure(names: Iterable[str], needs: Mapping[str, Set[str]], excluded: Set[str] = frozenset()) -> set[str]:
    closure: set[str] = set()
    queue = list(names)
    while queue:
        name = queue.pop()
        if name in needs and name not in closure and name not in excluded:
            closure.add(name)
            queue.extend(needs[name])
    return closure


def file_names_in(source: bytes | bytearray) -> set[str]:
    """Return the file names, and folder names such as docs, in the strings of a source: it may read these files."""
    return {match[1].decode() for match in _FILE_NAME.finditer(source)}


def dropped_by_suffix(dropped: Mapping[str, str]) -> list[str]:
    """Return the files dropped by their suffix, which come back if a module names them."""
    return [path for path, rule in dropped.items() if rule in _rules()["files"] and rule != "stubs"]


def named_files(dropped: Mapping[str, str], names: Set[str]) -> list[str]:
    """Return the files dropped by their suffix whose names, or suffixes ("*.cu"), are among `names`."""
    files = ((path, path.rpartition("/")[2]) for path in dropped_by_suffix(dropped))
    return sorted(path for path, file in files if file in names or f"*.{file.rpartition('.')[2]}" in names)


def reads_stubs(source: bytes | bytearray) -> bool:
    """Return whether a source reads stubs when it runs."""
    return _rules()["words"]["stubs"].encode() in source


def conditional_folder(path: str) -> str:
    """Return the name of the folder that makes a path conditional ("tests", "docs"), or "" for a single file."""
    return _root(path).rpartition("/")[2] if not _root(path).endswith(".py") else ""


def is_conditional_module(word: str) -> bool:
    """Return whether a dotted name is of tests, docs or examples, which only stay if they are imported."""
    return _CONDITIONAL_MODULE.search(word) is not None


def prefixes(dotted: str) -> Iterator[str]:
    """Yield "a", "a.b", "a.b.c" for "a.b.c"."""
    end = dotted.find(".")
    while end >= 0:
        yield dotted[:end]
        end = dotted.find(".", end + 1)
    yield dotted


def build_tools(python: tuple[int, int] | None = None) -> Mapping[str, list[str]]:
    """Return the packages that are only for building, each with the modules by which a program would use it.

    With `python`, modules that this version has itself don't count: setuptools has distutils, which Python 3.12 removed.
    """
    tools: Mapping[str, list[str]] = _rules()["build_tools"]
    if python is None or removed_modules.lacks("distutils", python):
        return tools
    return {name: [module for module in modules if module != "distutils"] for name, modules in tools.items()}


def _root(path: str) -> str:
    match = _CONDITIONAL_ROOT.match(path)
    return match[0] if match else path


def _module_of_root(root: str) -> str:
    return module_name(root if root.endswith(".py") else f"{root}/__init__.py")


def _matching_rule(section: str, path: str) -> str:
    match = _section_pattern(section).match(path)
    return match.lastgroup or "" if match else ""


@cache
def _section_pattern(section: str) -> re.Pattern[str]:
    rules: dict[str, list[str]] = _rules()[section]
    return re.compile("|".join(f"(?P<{rule}>{_alternatives(patterns)})" for rule, patterns in rules.items()))


def _alternatives(patterns: Iterable[str]) -> str:
    return "|".join(
        translate(pattern) if "/" in pattern else rf"(?:.*/)?{translate(pattern).replace('.*', '[^/]*')}"
        for pattern in patterns
    )


@cache
def _matcher(patterns: tuple[str, ...]) -> Callable[[str], object]:
    return re.compile(_alternatives(patterns)).match if patterns else lambda path: None


def _with_content(patterns: Iterable[str]) -> tuple[str, ...]:
    """Return patterns that match a file, or a folder with everything in it."""
    return tuple(each for pattern in patterns for each in (pattern.rstrip("/"), f"{pattern.rstrip('/')}/*"))


@cache
def _rules() -> dict[str, Any]:
    return tomllib.loads(rules_text())


@cache
def rules_text() -> str:
    """Return the rules as text, for cache keys."""
    return (Path(__file__).parent / "slim.toml").read_text("utf-8")
