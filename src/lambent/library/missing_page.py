"""What may help an app that answers 404 to the check: its own path, or a page that the zip doesn't hold."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from lambent.config.detection.frameworks import PROGRAM
from lambent.config.model import Config
from lambent.config.own_files import own_files
from lambent.deployment.context import OWN_PATH
from lambent.library.left_out_files import BUILT_FOLDERS, frontend_build, include_line, is_left_out, pattern_for
from lambent.package.artifact import Artifact

_MCP_APP = re.compile(r"\.(streamable_http_app|http_app|sse_app)\(")
_MCP_PATHS = {"streamable_http_app": "/mcp", "http_app": "/mcp", "sse_app": "/sse"}
"""Where the apps of MCP servers answer, unless their authors chose another path."""
_MCP_SERVER = re.compile(r"^\s*(?:from|import) (?:mcp\.server|fastmcp)\b", re.MULTILINE)


def hint_for_no_page(config: Config, artifact: Artifact) -> str:
    """Return what may help an app that has no page for a path: its own path, or the line that packs its files."""
    if match := _MCP_APP.search(config.app.attribute):
        return _mcp_path(_MCP_PATHS[match[1]])
    if config.app.attribute == PROGRAM and any(_MCP_SERVER.search(file.read_text("utf-8", "replace")) for file in _own(config)):
        return _mcp_path(_MCP_PATHS["streamable_http_app"])  # that of runtime/program.py
    cause = _ignored_page(config, artifact)
    return f"{OWN_PATH}; or {cause}" if cause else OWN_PATH


def _mcp_path(path: str) -> str:
    return f"--check-path {path}, the path that MCP clients call"


def _own(config: Config) -> Iterable[Path]:
    return own_files(config) if config.path.is_dir() else ()


def _ignored_page(config: Config, artifact: Artifact) -> str:
    packed = frozenset(entry.name for entry in artifact.entries)
    prefixes = ("", "" if config.app.root == "." else f"{config.app.root}/")
    for file in _own(config):
        for path in _paths_in(file.read_text("utf-8-sig", "replace")):
            for name in (f"{prefix}{path}" for prefix in prefixes):
                if not is_left_out(name, config, packed):
                    continue
                if (config.path / name).exists():
                    pattern = pattern_for(name, packed, is_folder=(config.path / name).is_dir())
                    where = file.relative_to(config.folder).as_posix()
                    return f"{where} names {name}, which .gitignore or .lambentignore leaves out: {include_line(pattern)}"
                if BUILT_FOLDERS.intersection(Path(name).parts) and (build := frontend_build(config.path, name)):
                    pattern = pattern_for(name, packed, is_folder=not Path(name).suffix)
                    return f"build {name} ({build}) and set {include_line(pattern)}"
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
