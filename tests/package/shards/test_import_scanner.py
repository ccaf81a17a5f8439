"""The imports that the scanner finds, compared with Python's own parser."""

from __future__ import annotations

import ast
import sysconfig
import time
from collections.abc import Iterable
from pathlib import Path

import pytest

from lambent.package.shards.import_scanner import ModuleImports, module_name, pack, scan_imports, unpack

SITE = Path(sysconfig.get_paths()["purelib"])
NAMES = ("starlette", "click", "anyio", "pydantic", "rich", "werkzeug", "packaging", "yaml", "cryptography")
PACKAGES = [name for name in NAMES if (SITE / name).is_dir()]
EAGER, LAZY, NEVER = range(3)


def parsed(path: str, source: bytes) -> ModuleImports:
    """Return the imports that Python's parser finds."""
    package = module_name(path) if path.endswith("__init__.py") else module_name(path).rpartition(".")[0]
    imports: tuple[set[str], set[str], set[str]] = (set(), set(), set())

    def base(node: ast.ImportFrom) -> str:
        parts = package.split(".")
        return ".".join([*parts[: len(parts) - node.level + 1], *([node.module] if node.module else [])])

    def walk(nodes: Iterable[ast.stmt], when: int) -> None:
        for node in nodes:
            if isinstance(node, ast.Import):
                imports[when].update(alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                module = base(node) if node.level else node.module
                imports[when].update(str(module) if alias.name == "*" else f"{module}.{alias.name}" for alias in node.names)
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                walk(node.body, max(when, LAZY))
            else:
                test = ast.unparse(node.test) if isinstance(node, ast.If) else ""
                idle = test.split(".")[-1] == "TYPE_CHECKING" or test.startswith("__name__") or test in ("False", "0")
                walk(getattr(node, "body", []), NEVER if idle else when)
                for part in ("orelse", "finalbody"):
                    walk(getattr(node, part, []), when)
                for inner in (*getattr(node, "handlers", []), *getattr(node, "cases", [])):
                    walk(inner.body, when)

    walk(ast.parse(source).body, EAGER)
    return ModuleImports(frozenset(imports[EAGER]), frozenset(imports[LAZY] - imports[EAGER]))


@pytest.mark.parametrize("package", PACKAGES)
def test_scanner_finds_what_the_parser_finds(package: str) -> None:
    for file in sorted((SITE / package).rglob("*.py")):
        path, source = file.relative_to(SITE).as_posix(), file.read_bytes()
        scanned, expected = scan_imports(path, source), parsed(path, source)
        assert (scanned.eager, scanned.lazy) == (expected.eager, expected.lazy), path


def test_blocks_strings_and_new_syntax_are_scanned() -> None:
    source = b'''"""
import in_docstring
"""
from __future__ import annotations
import a.b as c, d  # import comment
from .x import (one,  # a ) in a comment
    two)
from .. import up
if TYPE_CHECKING:
    import types_only
else:
    import real
def f[T](x: T) -> None:
    from .lazy import *
    class K:
        import deeper
type New = "quoted.module.Name"
try: import oneline
except ImportError: pass
with x:
    import within
text = f"{x["import nested"]}" 'plain' "has space.not" ".relative"
from unfinished
'''
    scanned = scan_imports("pkg/sub/__init__.py", source)
    relative = {"pkg.sub.x.one", "pkg.sub.x.two", "pkg.up"}
    assert scanned.eager == {"__future__.annotations", "a.b", "d", "real", "oneline", "within"} | relative
    assert scanned.lazy == {"pkg.sub.lazy", "deeper"}
    assert scanned.strings == {"quoted.module.Name", "pkg.sub.relative"}
    assert unpack(pack({"m.py": scanned})) == {"m.py": scanned}


@pytest.mark.parametrize("piece", [b'"', b"'''", b"\n", b"#", b"\nimport ", b"\nfrom x", b"\\", b"a.", b"\n\t", b'"a.b'])
def test_scan_time_is_linear(piece: bytes) -> None:
    started = time.process_time()  # CPU time: a pattern that backtracks would take minutes
    scan_imports("a.py", piece * 20_000)
    assert time.process_time() - started < 1


def table(**files: str) -> dict[str, ModuleImports]:
    sources = {f"{name.replace('__', '/').replace('/init', '/__init__')}.py": text for name, text in files.items()}
    return {path: scan_imports(path, text.encode()) for path, text in sources.items()}


def test_imports_for_another_version_or_system_are_left_out() -> None:
    source = b"""
if sys.version_info >= (3, 11):
    import new
elif sys.version_info >= (3, 9):
    import passed_over
else:
    import backport
if version_info < (3, 13):
    import older
elif perhaps:
    import perhaps_new
else:
    import perhaps_not
if sys.platform == "win32":
    import windows
elif sys.platform == "darwin":
    import mac
else:
    if os.name != "nt":
        import posix
    else:
        def f():
            import never
for x in y:
    pass
else:
    import after
if sys.version_info >= (3, 14) and x:
    import unsure
"""
    both = {"new", "perhaps_new", "perhaps_not", "posix", "after", "unsure"}
    assert scan_imports("m.py", source, (3, 13)) == ModuleImports(frozenset(both))
    assert scan_imports("m.py", source, (3, 10)).eager == (both - {"new", "perhaps_new", "perhaps_not"}) | {
        "passed_over",
        "older",
    }
    anywhere = scan_imports("m.py", source)
    assert anywhere.eager == both | {"passed_over", "backport", "older", "windows", "mac"} and anywhere.lazy == {"never"}


@pytest.mark.parametrize(
    ("path", "module"),
    [
        ("a/b.py", "a.b"),
        ("a/__init__.py", "a"),
        ("a/c.cpython-312-x86_64-linux-gnu.so", "a.c"),
        ("a/d.abi3.so", "a.d"),
        ("a-b/c.py", ""),
        ("a/b.txt", ""),
        ("a.libs/libx.so.1", ""),
    ],
)
def test_module_name_of_a_path(path: str, module: str) -> None:
    assert module_name(path) == module
