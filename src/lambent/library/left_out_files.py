"""Explains a failure by a file that the app needs and the zip doesn't hold: git ignores it, or a frontend wasn't built."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

from lambent.config.model import Config
from lambent.config.own_files import own_files
from lambent.deployment.context import OWN_PATH
from lambent.errors import LambentError
from lambent.package.artifact import Artifact
from lambent.package.project_files import packs

_NO_FOLDER = re.compile(r"Directory '([^']+)' does not exist")  # Starlette
_MISSING = re.compile(
    r"No such file or directory: '([^']+)'"
    rf"|{_NO_FOLDER.pattern}"
    r"|TemplateNotFound: '?([\w./-]+)"  # Jinja
)
_NO_MODULE = re.compile(r"No module named '([\w.]+)'")
_NO_DATABASE = re.compile(r"no such table: [\w.]+|unable to open database file")  # SQLite creates one where it can
_MCP_APP = re.compile(r"\.(streamable_http_app|http_app|sse_app)\(")
_MCP_PATHS = {"streamable_http_app": "/mcp", "http_app": "/mcp", "sse_app": "/sse"}
"""Where the apps of MCP servers answer, unless their authors chose another path."""
_CODE = re.compile(r"^(?:/var/task/|/tmp/app/|\./)")
_BUILT = frozenset(("build", "dist", "out", "public", "static", "www"))
"""Folders that the build of a frontend makes."""
_DATABASES = (".db", ".sqlite", ".sqlite3")


def explain(error: LambentError, config: Config, artifact: Artifact) -> None:
    """Add to an error of the app that a file was left out of the zip, and the line that packs it."""
    text = f"{error.what}\n{error.detail}"
    packed = frozenset(entry.name for entry in artifact.entries)
    name = _left_out(text, config, packed)
    if name:
        _explain(error, name, config, packed)
    elif config.path.is_dir() and (build := _frontend_build(config.path, _missing_folder(text))):
        error.hint = f"if the frontend's build makes it: {build}"
    else:
        _explain_beside(error, text, packed)


def _explain_beside(error: LambentError, text: str, packed: frozenset[str]) -> None:
    """Explain that a file is next to the module that misses it, if it is. A server was perhaps started in that folder."""
    position = re.search(r" \((\S+)/([\w.-]+), line \d+\)", error.what)
    for match in _MISSING.finditer(text) if position else ():
        path = next(filter(None, match.groups())).removeprefix("./")
        if position and f"{position[1]}/{path}" in packed:
            error.what = f"{path} isn't in the folder that the app starts in, but next to {position[2]}{position[0]}"
            error.hint = f'open it as Path(__file__).parent / "{path}", with from pathlib import Path'
            return


def hint_for_no_page(config: Config, artifact: Artifact) -> str:
    """Return what may help an app that has no page for a path: its own path, or the line that packs files which it names."""
    if match := _MCP_APP.search(config.app.attribute):
        return f"--check-path {_MCP_PATHS[match[1]]}, the path that MCP clients call"
    cause = _ignored_page(config, artifact)
    return f"{OWN_PATH}; or {cause}" if cause else OWN_PATH


def _ignored_page(config: Config, artifact: Artifact) -> str:
    packed = frozenset(entry.name for entry in artifact.entries)
    prefixes = ("", "" if config.app.root == "." else f"{config.app.root}/")
    for file in own_files(config) if config.path.is_dir() else ():
        for path in _paths_in(file.read_text("utf-8-sig", "replace")):
            for name in (f"{prefix}{path}" for prefix in prefixes):
                if not _is_left_out(name, config, packed):
                    continue
                if (config.path / name).exists():
                    pattern = _pattern(name, packed, is_folder=(config.path / name).is_dir())
                    where = file.relative_to(config.folder).as_posix()
                    return f"{where} names {name}, which .gitignore or .lambentignore leaves out: {_include(pattern)}"
                if _BUILT.intersection(Path(name).parts) and (build := _frontend_build(config.path, name)):
                    pattern = _pattern(name, packed, is_folder=not Path(name).suffix)
                    return f"build {name} ({build}) and set {_include(pattern)}"
    return ""


def _paths_in(text: str) -> Iterator[str]:
    """Yield what a module's string constants may name, those that are joined with `/` or os.path.join together."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return
    for node in ast.walk(tree):
        match node:
            case ast.Call(args=arguments):
                parts: list[ast.expr] = list(arguments)
            case ast.BinOp(op=ast.Div()):
                parts = [each.right for each in ast.walk(node) if isinstance(each, ast.BinOp)][::-1]
            case ast.JoinedStr(values=values):
                parts = values
            case ast.keyword(value=value) | ast.Assign(value=value):
                parts = [value]
            case _:
                continue
        names = [part.value.removeprefix("./").strip("/") for part in parts if _is_text(part)]  # type: ignore[attr-defined]
        yield from (path for path in ("/".join(names), *names) if re.fullmatch(r"[\w-][\w./ -]*", path))


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _left_out(text: str, config: Config, packed: frozenset[str]) -> str:
    """Return the path in the project of the file or folder that is missing because rules leave it out, or ""."""
    if not config.path.is_dir():
        return ""
    folders = ("", "templates/", f"{config.app.root}/", f"{config.app.root}/templates/")
    paths = [_CODE.sub("", next(filter(None, match.groups()))).rstrip("/") for match in _MISSING.finditer(text)]
    paths += [f"{module.replace('.', '/')}.py" for module in _NO_MODULE.findall(text)]
    for path in paths:
        for name in (f"{folder}{path}".removeprefix("./") for folder in folders):
            if _is_left_out(name, config, packed):
                return name
    return _database(config.path, packed) if _NO_DATABASE.search(text) else ""


def _is_left_out(name: str, config: Config, packed: frozenset[str]) -> bool:
    if name.startswith(("/", ".env")) or ".." in name.split("/") or name in packed:
        return False
    if (config.path / name).is_dir():
        return not any(each.startswith(f"{name}/") for each in packed)
    rules = (config.exclude, config.packaging.include)
    return not packs(config.path, name, *rules) or not packs(config.path, f"{name}/file", *rules)


def _database(folder: Path, packed: frozenset[str]) -> str:
    files = (file for pattern in ("*", "*/*") for file in sorted(folder.glob(pattern)) if file.suffix in _DATABASES)
    return next((name for file in files if (name := file.relative_to(folder).as_posix()) not in packed), "")


def _explain(error: LambentError, name: str, config: Config, packed: frozenset[str]) -> None:
    path = config.path / name
    pattern = _pattern(name, packed, is_folder=path.is_dir())
    include = _include(pattern)
    error.what = f"the app needs {name}, which is left out of the zip because .gitignore or .lambentignore names it"
    build = _frontend_build(config.path, name)
    creation = f"build it ({build})" if build else f"create {name}, which isn't here either,"
    error.hint = include if path.exists() else f"{creation} and set {include}"


def _include(pattern: str) -> str:
    return f'include = ["{pattern}"] under [tool.lambent] in pyproject.toml'


def _missing_folder(text: str) -> str:
    """Return the folder of static files that a web framework misses, or ""."""
    match = _NO_FOLDER.search(text)
    path = _CODE.sub("", match[1]) if match else ""
    return "" if path.startswith("/") else path


def _frontend_build(folder: Path, name: str) -> str:
    """Return the command that builds the frontend that a missing path is from, "" if none has a build script."""
    candidates = [folder / parent for parent in Path(name).parents] if name else []
    if _BUILT.intersection(Path(name).parts):
        candidates += sorted(path.parent for path in folder.glob("*/package.json"))
    for candidate in candidates:
        try:
            scripts = json.loads((candidate / "package.json").read_text("utf-8")).get("scripts", {})
        except (OSError, ValueError, AttributeError):
            continue
        if "build" in scripts:
            subfolder = candidate.relative_to(folder).as_posix()
            prefix = "" if subfolder == "." else f" --prefix {subfolder}"
            return f"npm{prefix} install && npm{prefix} run build"
    return ""


def _pattern(name: str, packed: frozenset[str], *, is_folder: bool) -> str:
    """Return the pattern for the topmost folder of the path that isn't packed at all, or for the file alone."""
    parts = name.split("/")
    for length in range(1, len(parts) + is_folder):
        folder = "/".join(parts[:length]) + "/"
        if not any(each.startswith(folder) for each in packed):
            return folder
    return name
