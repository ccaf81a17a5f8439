"""The functions that CDK's and Terraform's code describes with plain texts: a handler, and the folder of its code.

They count where nothing else says what the app is: next to a web app, a project's functions are usually about something else.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache, partial
from pathlib import Path
from posixpath import dirname, normpath

from lambent.config.detection.declarations import Declaration
from lambent.config.detection.declared_function import handler_command
from lambent.config.detection.infrastructure_files import infrastructure_files
from lambent.config.detection.project_text import read_text
from lambent.config.detection.start_commands import StartCommand

_HANDLER = re.compile(r"""\bhandler["']?\s*[=:]\s*["']([\w./-]+)["']""")
_ASSET = re.compile(
    r"""\b(?:from_asset|fromAsset|AssetCode)\(\s*(?:path=)?(?P<own>path\.(?:join|resolve)\(__dirname,\s*)?["'](?P<path>[\w./-]+)["']"""
)
_CALL_LENGTH = 600
"""How many characters apart a handler and its code are, at most."""
_BLOCK = re.compile(r"""(?ms)^(?:resource|data)\s+"(aws_lambda_function|archive_file)"\s+"([\w-]+)"\s*\{(.*?)^\}""")
_ARCHIVE = re.compile(r"\bfilename\s*=\s*data\.archive_file\.([\w-]+)\.")
_SOURCE = re.compile(r"""(?m)^\s*source_(dir|file)\s*=\s*"(?:\$\{path\.module\}/)?([\w./-]+)\"""")


def described_functions(folder: Path) -> list[Declaration]:
    """Return the only function that the project's CDK or Terraform code describes. There is none if there are several."""
    described: dict[StartCommand, str] = {}
    archives = cache(partial(_archives, folder))
    for path in infrastructure_files(folder, (".tf", ".py", ".ts")):
        functions = _terraform(path, archives(path.parent)) if path.suffix == ".tf" else _cdk(folder, path)
        for handler, code in functions:
            if command := handler_command(handler, code, folder):
                described.setdefault(command, path.relative_to(folder).as_posix())
    return [Declaration(*each) for each in described.items()] if len(described) == 1 else []


def _cdk(folder: Path, path: Path) -> Iterator[tuple[str, str]]:
    """Yield handlers with their folders: seen from where cdk.json is, or from the file itself by `__dirname`."""
    text = read_text(path)
    assets = list(_ASSET.finditer(text))
    start = next((above for above in path.parents if above == folder or (above / "cdk.json").is_file()), folder)
    for handler in _HANDLER.finditer(text) if assets else ():
        asset = min(assets, key=lambda each: abs(each.start() - handler.start()))
        if abs(asset.start() - handler.start()) <= _CALL_LENGTH:
            base = path.parent if asset["own"] else start
            yield handler[1], normpath((base.relative_to(folder) / asset["path"]).as_posix())


def _archives(folder: Path, module: Path) -> dict[str, str]:
    """Return the folders that each `archive_file` of a Terraform module zips, relative to the project's, by its name."""
    parent = module.relative_to(folder).as_posix()
    archives: dict[str, str] = {}
    for path in module.glob("*.tf"):
        for kind, name, body in _BLOCK.findall(read_text(path)):
            if kind == "archive_file" and (source := _SOURCE.search(body)):
                archives[name] = normpath(f"{parent}/{source[2] if source[1] == 'dir' else dirname(source[2])}")
    return archives


def _terraform(path: Path, archives: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield handlers with the folders that are zipped for them."""
    for kind, _, body in _BLOCK.findall(read_text(path)):
        handler, archive = _HANDLER.search(body), _ARCHIVE.search(body)
        if kind == "aws_lambda_function" and handler and archive and archive[1] in archives:
            yield handler[1], archives[archive[1]]
