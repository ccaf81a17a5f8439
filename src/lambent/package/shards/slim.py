"""Which files of a wheel a zip can do without. Pure; the rules are data (slim.toml).

Tests, docs and examples go only where no module that stays imports from them, as far as sources tell; the rest goes by name.
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

from lambent.lazy import LazyModule
from lambent.package.shards.import_scanner import Imports, module_of

if TYPE_CHECKING:
    from packaging import utils
else:
    utils = LazyModule("packaging.utils")  # 25 ms, and few projects leave packages out


class SlimOptions(Struct, frozen=True):
    """What the user may say of it. `keep` and `drop` are patterns of paths in the zip, or folders with all that is in them;
    `keep` wins. `without` names packages that the runtime has already ("boto3"), left out with what only they need."""

    keep_all: bool = False
    keep: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()
    strip: bool = True
    without: tuple[str, ...] = ()

    @property
    def of_one_wheel(self) -> str:
        """The part that changes what becomes of a single wheel, for its cache key."""
        return repr((self.keep_all, self.keep, self.drop, self.strip))


class Verdicts(Struct, frozen=True):
    """`dropped` maps paths to the rule that drops them; `doubtful` to the rule that does unless they are imported."""

    dropped: dict[str, str]
    doubtful: dict[str, str]


def judge(names: Iterable[str], package: str, dist_info: str, options: SlimOptions) -> Verdicts:
    """What the rules say of a wheel's files by their paths alone. `package` is normalised."""
    dropped: dict[str, str] = {}
    doubtful: dict[str, str] = {}
    names = list(names)
    if options.keep_all:
        return Verdicts(dropped, doubtful)
    stays = _matcher((*_rules()["keep"].get(package, ()), *_with_content(options.keep)))
    goes = _matcher(_with_content(options.drop))
    present = set(names)
    for name in names:
        if stays(name):
            continue
        if goes(name):
            dropped[name] = "asked"
        elif name.startswith(f"{dist_info}/"):
            if name.removeprefix(f"{dist_info}/") in _rules()["installer"]["drop"]:
                dropped[name] = "installer"
        elif name.endswith(".pyc"):  # of whoever made the wheel; without a source beside it, it is the module
            if source_of(name) in present:
                dropped[name] = "bytecode"
        elif rule := _first("files", name):
            dropped[name] = rule
        elif rule := _first("modules", name):
            doubtful[name] = rule
    if not any(module_of(name) for name in present - dropped.keys() - doubtful.keys()):
        doubtful.clear()  # a package of nothing but tests is wanted for its tests
    with_modules = {_root(name) for name in doubtful if name.endswith(".py")}
    for name in [name for name, rule in doubtful.items() if rule == "tests" and _root(name) not in with_modules]:
        del doubtful[name]  # a folder of nothing but data, which may be a program's: dbt's generic tests, a template
    return Verdicts(dropped, doubtful)


def needed(doubtful: Mapping[str, str], table: Iterable[Imports], entry_points: Iterable[str]) -> set[str]:
    """Which doubtful files modules that stay import from: all of such a folder, else the one file."""
    folders = {name: _root(name) for name in doubtful}
    roots = {_module(root): root for root in folders.values()}
    found: set[str] = set()
    wanted = [(word, "") for word in entry_points]
    for imports in table:
        wanted += [(word, "") for word in imports.now | imports.later]
        wanted += [(word, ".py") for word in imports.strings]  # where modules are imported by their names, one by one
    for word, end in wanted:
        if "test" in word or "doc" in word or "exampl" in word:
            found.update(roots[prefix] for prefix in prefixes(word) if prefix in roots and roots[prefix].endswith(end))
    return {name for name, root in folders.items() if root in found}


def module_roots(dropped: Mapping[str, str]) -> list[str]:
    """The folders ("numpy/tests") and files of dropped modules, as few as tell all."""
    return sorted({_root(name) for name, rule in dropped.items() if rule in _rules()["modules"] and module_of(name)})


def taken_back(roots: Iterable[str], words: Iterable[str]) -> tuple[str, ...]:
    """Those of `module_roots` that one of these imports is from."""
    modules = {_module(root): root for root in roots}
    return tuple(sorted({modules[prefix] for word in words for prefix in prefixes(word) if prefix in modules}))


def left_out(requires: Mapping[str, Iterable[str]], asked: Set[str], without: Iterable[str]) -> frozenset[str]:
    """The packages that `without` leaves out: those, and what nothing else needs.

    `requires` maps each package to its Requires-Dist lines; their markers are not looked at, which keeps too much at worst.
    """
    gone = {utils.canonicalize_name(name) for name in without} & requires.keys()
    if not gone:
        return frozenset()
    needs = {
        name: {utils.canonicalize_name(found[0]) for line in lines if (found := _NAME.match(line))}
        for name, lines in requires.items()
    }
    brought = _closure(gone, needs)
    kept = _closure((asked or requires.keys() - brought) - gone, needs, gone)
    return frozenset(gone | (brought - kept))


def _closure(names: Iterable[str], needs: Mapping[str, Set[str]], never: Set[str] = frozenset()) -> set[str]:
    seen: set[str] = set()
    todo = list(names)
    while todo:
        name = todo.pop()
        if name in needs and name not in seen and name not in never:
            seen.add(name)
            todo.extend(needs[name])
    return seen


def speaks_of(source: bytes | bytearray) -> set[str]:
    """Folders like docs, and files that compilers read, whose names stand in a string of this source: it may read them."""
    return {match[1].decode() for match in _SPOKEN.finditer(source)}


def dropped_by_kind(dropped: Mapping[str, str]) -> list[str]:
    """Files dropped by their suffix, which come back when a module speaks of them."""
    return [name for name, rule in dropped.items() if rule in _rules()["files"] and rule != "stubs"]


def spoken_of(dropped: Mapping[str, str], spoken: Set[str]) -> list[str]:
    """Files dropped by their suffix that a module names, or whose suffix it asks for ("*.cu")."""
    files = ((name, name.rpartition("/")[2]) for name in dropped_by_kind(dropped))
    return sorted(name for name, file in files if file in spoken or f"*.{file.rpartition('.')[2]}" in spoken)


def keeps_stubs(source: bytes | bytearray) -> bool:
    return _rules()["words"]["stubs"].encode() in source


def folder_named(name: str) -> str:
    """The name of the folder that makes a path doubtful ("tests", "docs"), "" for a file of its own."""
    return _root(name).rpartition("/")[2] if not _root(name).endswith(".py") else ""


def doubted(word: str) -> bool:
    """Whether a dotted name is of tests, docs or examples, which stay only where somebody imports them."""
    return _DOUBTED_WORD.search(word) is not None


def prefixes(dotted: str) -> Iterator[str]:
    """ "a", "a.b", "a.b.c" of "a.b.c"."""
    end = dotted.find(".")
    while end >= 0:
        yield dotted[:end]
        end = dotted.find(".", end + 1)
    yield dotted


def source_of(name: str) -> str:
    """The source a file of bytecode belongs to, wherever it is: in __pycache__ or beside it."""
    folder, found, file = name.rpartition("__pycache__/")
    return f"{folder}{file.partition('.')[0]}.py" if found else f"{name[:-1]}"


_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_DOUBTED = r"(?:tests?|docs?|examples?)"
_DOUBTED_WORD = re.compile(r"(^|\.)(tests?|docs?|examples?|conftest|test_\w+)(\.|$)")
_ROOT = re.compile(rf"^(?:.*?/)??{_DOUBTED}(?=/)")
_SPOKEN = re.compile(rb"""["'/](docs?(?=["'/])|examples?(?=["'/])|[\w.*-]+\.[a-z]\w{0,4}(?=["']))""")


def _root(name: str) -> str:
    match = _ROOT.match(name)
    return match[0] if match else name


def _module(root: str) -> str:
    return module_of(root if root.endswith(".py") else f"{root}/__init__.py")


def _first(section: str, name: str) -> str:
    match = _compiled(section).match(name)
    return match.lastgroup or "" if match else ""


@cache
def _compiled(section: str) -> re.Pattern[str]:
    rules: dict[str, list[str]] = _rules()[section]
    return re.compile("|".join(f"(?P<{rule}>{_any(patterns)})" for rule, patterns in rules.items()))


def _any(patterns: Iterable[str]) -> str:
    return "|".join(
        translate(each) if "/" in each else rf"(?:.*/)?{translate(each).replace('.*', '[^/]*')}" for each in patterns
    )


@cache
def _matcher(patterns: tuple[str, ...]) -> Callable[[str], object]:
    return re.compile(_any(patterns)).match if patterns else lambda name: None


def _with_content(patterns: Iterable[str]) -> tuple[str, ...]:
    """A pattern names a file, or a folder with all that is in it."""
    return tuple(each for pattern in patterns for each in (pattern.rstrip("/"), f"{pattern.rstrip('/')}/*"))


@cache
def _rules() -> dict[str, Any]:
    return tomllib.loads(rules_text())


@cache
def rules_text() -> str:
    """The rules as they are, for cache keys."""
    return (Path(__file__).parent / "slim.toml").read_text("utf-8")


def unneeded_modules() -> Mapping[str, list[str]]:
    """Packages that are for building only, and the top modules by which a program would use them."""
    found: Mapping[str, list[str]] = _rules()["unneeded"]
    return found
