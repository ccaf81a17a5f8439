"""Which modules import which, told from their sources without running or parsing them.

A lexer of a few lines finds the import statements, the blocks they stand in, and strings that look like a module's dotted
name (Django's settings, lazy imports). It is no parser on purpose: the same answer whatever Python runs lambent (a newer
syntax is no obstacle), and ten times faster. Where it errs, it names a module too many.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from msgspec import Struct

_DOTTED = r"(?:\.+[A-Za-z_]|[A-Za-z_]\w*+\.)[\w.]*+"
_TOKEN = re.compile(
    rf"""
    (?:  # what says nothing is passed over in one go
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
_APPS = "INSTALLED_APPS"  # Django's list of packages, where names without a dot are modules too
_WORD = re.compile(r"""["']([a-z_]\w*)["']""")
_RUN, _LATER, _NEVER = range(3)
_HERE = ("linux", "posix")  # sys.platform and os.name on Lambda


class Imports(Struct, frozen=True):
    """What a module names: `now` when it is imported, `later` inside functions, `strings` that may be modules.

    Absolute dotted names; "from a.b import c" is "a.b.c", since c may be a module.
    """

    now: frozenset[str] = frozenset()
    later: frozenset[str] = frozenset()
    strings: frozenset[str] = frozenset()


def module_of(path: str) -> str:
    """The dotted name of the module that a file is ("a/b/__init__.py" is "a.b"), or "" for no module."""
    if path.endswith(".py"):
        stem = path[:-3]
    elif path.endswith(".so"):
        folder, slash, name = path.rpartition("/")
        stem = folder + slash + name.partition(".")[0]
    else:
        return ""
    name = stem.removesuffix("/__init__").replace("/", ".")
    return name if all(part.isidentifier() for part in name.split(".")) else ""


def scan(path: str, source: bytes | bytearray, python: tuple[int, int] | None = None) -> Imports:
    """The imports of a source file at this path below the import root; for one version of Python on Lambda's system, or any."""
    text = "\n" + source.decode("utf-8", "replace")
    module = module_of(path)
    package = module if path.endswith("__init__.py") else module.rpartition(".")[0]
    found: tuple[set[str], set[str], set[str]] = (set(), set(), set())
    strings: set[str] = set()
    blocks: list[tuple[int, int, bool]] = []  # indent, when its body runs, whether no `else` of it can; outermost first
    for match in _TOKEN.finditer(text):
        if match["string"]:
            strings.add(match["string"])
            continue
        if match["indent"] is None:
            break
        indent, held = len(match["indent"].expandtabs()), False
        while blocks and blocks[-1][0] >= indent:
            at, _, last = blocks.pop()
            held = last and at == indent
        when = blocks[-1][1] if blocks else _RUN
        if match["function"]:
            blocks.append((indent, max(when, _LATER), False))
        elif match["idle"]:
            blocks.append((indent, _NEVER, False))
        elif match["test"]:
            blocks.append(_tested(match, python, indent, when, held and match["test"] == "elif"))
        elif match["block"]:
            held &= match["block"] in ("elif", "else")
            blocks.append((indent, _NEVER if held else when, held))
        else:
            found[when].update(_names(match, package))
    if _APPS in text:
        strings.update(_WORD.findall(text))
    dotted = frozenset(_absolute(string, package) for string in strings)
    return Imports(frozenset(found[_RUN]), frozenset(found[_LATER] - found[_RUN]), dotted)


def _tested(match: re.Match[str], python: tuple[int, int] | None, indent: int, when: int, held: bool) -> tuple[int, int, bool]:
    """The block of an `if` about the version or the system; `held`: one before it, that it is an `elif` of, holds."""
    if python is None:
        return indent, _NEVER if held else when, held
    if match["system"]:
        holds = (match["system"] in _HERE) is (match["equal"] == "==")
    else:
        holds = (python >= (3, int(match["minor"]))) is (match["order"] == ">=")
    return indent, when if holds and not held else _NEVER, holds or held


def _names(match: re.Match[str], package: str) -> Iterator[str]:
    if match["base"] is None:
        yield from _words(match["plain"])
        return
    base = _absolute(match["base"], package)
    for name in _words(match["names"].strip("()")):
        yield base if name == "*" or not base else f"{base}.{name}"


def _words(listed: str) -> Iterator[str]:
    if "#" in listed or "\\" in listed:
        listed = _COMMENT.sub("", listed).replace("\\", " ")
    for part in listed.split(","):
        words = part.split()
        if words:
            yield words[0]


def _absolute(name: str, package: str) -> str:
    """ ".x" in package "a.b" is "a.b.x", "..x" is "a.x"."""
    rest = name.lstrip(".")
    up = len(name) - len(rest)
    if not up:
        return name
    base = ".".join(package.split(".")[: len(package.split(".")) - up + 1]) if package else ""
    return f"{base}.{rest}" if base and rest else base or rest


def pack(table: Mapping[str, Imports]) -> dict[str, list[str]]:
    """A table (by path) in JSON's types: three strings of words a file, as few as there are."""
    return {path: _trimmed([" ".join(sorted(each)) for each in (i.now, i.later, i.strings)]) for path, i in table.items()}


def _trimmed(words: list[str]) -> list[str]:
    while words and not words[-1]:
        words.pop()
    return words


def unpack(stored: Mapping[str, list[str]]) -> dict[str, Imports]:
    return {path: Imports(*(frozenset(words.split()) for words in row)) for path, row in stored.items()}
