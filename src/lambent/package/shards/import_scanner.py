"""Find what a module imports from its source, without running or parsing it.

A small lexer finds import statements, the blocks they are in, and strings that look like dotted module names (as in Django's
settings and in lazy imports). It is deliberately not a parser: the result doesn't depend on the Python that runs lambent
(newer syntax is no obstacle), and it is ten times faster. Where it errs, it names a module too many.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from msgspec import Struct

_DOTTED = r"(?:\.+[A-Za-z_]|[A-Za-z_]\w*+\.)[\w.]*+"
_TOKEN = re.compile(
    rf"""
    (?:  # skip everything else in one go
        [^"'\#\n]++
      | \n(?![ \t]*+(?:from|import|def|async|if|elif|else|try|except|finally|with|for|while|class|match|case)\b)
      | "{{3}}[^"\\]*+(?:(?:\\.|"(?!""))[^"\\]*+)*+(?:"{{3}}|\Z)
      | '{{3}}[^'\\]*+(?:(?:\\.|'(?!''))[^'\\]*+)*+(?:'{{3}}|\Z)
      | "(?!{_DOTTED}")(?:[^"\\\n]++|\\.)*+"?
      | '(?!{_DOTTED}')(?:[^'\\\n]++|\\.)*+'?
      | \#[^\n]*+
    )*+
    (?: ["'](?P<string>{_DOTTED})["']
      | \n(?P<indent>[ \t]*+)(?:(?:try|else)[ \t]*:[ \t]*+(?=import|from))?(?:
          from[ \t]*+(?P<base>[.\w]+)[ \t]*import\b[ \t]*(?P<names>\((?:[^)\#]++|\#[^\n]*+)*+\)|(?:[^\n;\#\\]|\\\r?\n)*)
        | import[ \t]+(?P<plain>(?:[^\n;\#\\]|\\\r?\n)*)
        | (?P<function>def|async[ \t]+def)\b
        | (?P<idle>(?:el)?if[ \t]+\(?[ \t]*(?:\w+\.)?TYPE_CHECKING[ \t)]*:|if[ \t]+(?:False|0)[ \t]*:|if[ \t]+__name__\b)
        | (?P<test>(?:el)?if)[ \t]+\(?[ \t]*(?:
              (?:sys\.)?version_info[ \t]*(?P<order>>=|<)[ \t]*\([ \t]*3[ \t]*,[ \t]*(?P<minor>\d+)[ \t]*\)
            | (?:sys\.platform|os\.name)[ \t]*(?P<equal>[=!]=)[ \t]*["'](?P<system>\w+)["']
          )[ \t)]*:
        | (?P<block>\w+)
      )
      | \Z
    )
    """,
    re.VERBOSE | re.DOTALL,
)
_COMMENT = re.compile(r"#[^\n]*")
_INSTALLED_APPS = "INSTALLED_APPS"  # in Django's list of packages, names without a dot are modules too
_WORD = re.compile(r"""["']([a-z_]\w*)["']""")
_EAGER, _LAZY, _NEVER = range(3)
_LAMBDA_SYSTEM = ("linux", "posix")  # sys.platform and os.name on Lambda


class ModuleImports(Struct, frozen=True):
    """What a module imports: `eager` when it is imported, `lazy` inside functions. `strings` may be names of modules.

    All names are absolute and dotted; "from a.b import c" is "a.b.c", because c may be a module.
    """

    eager: frozenset[str] = frozenset()
    lazy: frozenset[str] = frozenset()
    strings: frozenset[str] = frozenset()


class _Block(NamedTuple):
    """A block of code. `when` its body runs; `is_decided`: no `else` of it can run."""

    indent: int
    when: int
    is_decided: bool = False


def module_name(path: str) -> str:
    """Return the dotted name of the module in a file ("a/b/__init__.py" is "a.b"), or "" if it isn't a module."""
    if path.endswith(".py"):
        stem = path[:-3]
    elif path.endswith(".so"):
        folder, slash, name = path.rpartition("/")
        stem = folder + slash + name.partition(".")[0]
    else:
        return ""
    name = stem.removesuffix("/__init__").replace("/", ".")
    return name if all(part.isidentifier() for part in name.split(".")) else ""


def scan_imports(path: str, source: bytes | bytearray, python: tuple[int, int] | None = None) -> ModuleImports:
    """Return the imports of a source file. `path` is relative to the import root.

    With `python`, only what this version of Python imports on Lambda's system.
    """
    text = "\n" + source.decode("utf-8", "replace")
    module = module_name(path)
    package = module if path.endswith("__init__.py") else module.rpartition(".")[0]
    imports: tuple[set[str], set[str], set[str]] = (set(), set(), set())
    strings: set[str] = set()
    blocks: list[_Block] = []  # outermost first
    for match in _TOKEN.finditer(text):
        if match["string"]:
            strings.add(match["string"])
            continue
        if match["indent"] is None:
            break
        indent, is_decided = len(match["indent"].expandtabs()), False
        while blocks and blocks[-1].indent >= indent:
            closed = blocks.pop()
            is_decided = closed.is_decided and closed.indent == indent
        when = blocks[-1].when if blocks else _EAGER
        if match["base"] or match["plain"] is not None:
            imports[when].update(_names(match, package))
        else:
            blocks.append(_open_block(match, python, indent, when, is_decided))
    if _INSTALLED_APPS in text:
        strings.update(_WORD.findall(text))
    absolute = frozenset(_absolute(string, package) for string in strings)
    return ModuleImports(frozenset(imports[_EAGER]), frozenset(imports[_LAZY] - imports[_EAGER]), absolute)


def _open_block(match: re.Match[str], python: tuple[int, int] | None, indent: int, when: int, is_decided: bool) -> _Block:
    """Return the block that a line opens. `is_decided`: the block before it, whose `else` this may be, has a true condition."""
    if match["function"]:
        return _Block(indent, max(when, _LAZY))
    if match["idle"]:
        return _Block(indent, _NEVER)
    if match["test"]:
        is_decided = is_decided and match["test"] == "elif"
        if python is None:
            return _Block(indent, _NEVER if is_decided else when, is_decided)
        is_true = _is_true(match, python)
        return _Block(indent, when if is_true and not is_decided else _NEVER, is_true or is_decided)
    is_decided = is_decided and match["block"] in ("elif", "else")
    return _Block(indent, _NEVER if is_decided else when, is_decided)


def _is_true(match: re.Match[str], python: tuple[int, int]) -> bool:
    """Return whether a condition about the version or the system is true on Lambda."""
    if match["system"]:
        return (match["system"] in _LAMBDA_SYSTEM) is (match["equal"] == "==")
    return (python >= (3, int(match["minor"]))) is (match["order"] == ">=")


def _names(match: re.Match[str], package: str) -> Iterator[str]:
    if match["base"] is None:
        yield from _words(match["plain"])
        return
    base = _absolute(match["base"], package)
    for name in _words(match["names"].strip("()")):
        yield base if name == "*" or not base else f"{base}.{name}"


def _words(names: str) -> Iterator[str]:
    """Yield the first word of each part of a comma-separated list: "a as b, c" gives "a" and "c"."""
    if "#" in names or "\\" in names:
        names = _COMMENT.sub("", names).replace("\\", " ")
    for part in names.split(","):
        words = part.split()
        if words:
            yield words[0]


def _absolute(name: str, package: str) -> str:
    """Return the absolute form of a name: ".x" in package "a.b" is "a.b.x", "..x" is "a.x"."""
    rest = name.lstrip(".")
    level = len(name) - len(rest)
    if not level:
        return name
    parts = package.split(".")
    base = ".".join(parts[: len(parts) - level + 1]) if package else ""
    return f"{base}.{rest}" if base and rest else base or rest


def pack(imports: Mapping[str, ModuleImports]) -> dict[str, list[str]]:
    """Return the imports of modules by path in JSON's types: up to three strings of words for each."""
    return {path: _trimmed([" ".join(sorted(names)) for names in (i.eager, i.lazy, i.strings)]) for path, i in imports.items()}


def _trimmed(words: list[str]) -> list[str]:
    while words and not words[-1]:
        words.pop()
    return words


def unpack(packed: Mapping[str, list[str]]) -> dict[str, ModuleImports]:
    return {path: ModuleImports(*(frozenset(words.split()) for words in row)) for path, row in packed.items()}
