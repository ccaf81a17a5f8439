"""The files that describe functions: SAM's template, by a usual name or samconfig.toml's, and serverless.yml with its parts."""

from __future__ import annotations

import re
from pathlib import Path
from posixpath import dirname, normpath
from typing import Any

from lambent.config.detection.project_text import read_text
from lambent.config.detection.yaml_mappings import Mapping, mapping_at, read_mappings, with_own_values

TEMPLATES = tuple(
    f"{name}.{suffix}" for name in ("template", "sam", "sam-template", "samTemplate") for suffix in ("yaml", "yml", "json")
)
SERVERLESS = ("serverless.yml", "serverless.yaml", "serverless.json")
_NAMED = re.compile(r"""(?m)^\s*template(?:_file)?\s*=\s*["']([\w./-]+)["']""")
_FILE = re.compile(r"\$\{file\((?P<path>[^()$]+)\)(?::(?P<keys>[\w.-]+))?(?:\s*,[^{}]*)?\}")
_DEPTH_MAX = 3


def template_names(folder: Path) -> tuple[str, ...]:
    """Return what a template of SAM may be called here, relative to the folder: also in one below, for infra/template.yaml."""
    named = map(normpath, _NAMED.findall(read_text(folder / "samconfig.toml")))
    below = (path.relative_to(folder).as_posix() for name in TEMPLATES for path in sorted(folder.glob(f"*/{name}")))
    return tuple(dict.fromkeys((*(name for name in named if not name.startswith((".", "/"))), *TEMPLATES, *below)))


def is_code_elsewhere(template: str, code: str) -> bool:
    """Return whether code isn't in the folder below the project's that a template is in, which is a project of its own then."""
    base = dirname(template)
    return not base or not f"{normpath(code)}/".startswith(f"{base}/")


def read_template(folder: Path, name: str) -> dict[str, Any]:
    """Return what a template has, empty if there is none."""
    return read_mappings(read_text(folder / name))


def read_service(folder: Path, name: str) -> dict[str, Any]:
    """Return what serverless.yml has, with its own values and those of `${file(functions.yml)}`. Empty if there is none."""
    service = with_own_values(read_mappings(read_text(folder / name)))
    return with_own_values(_with_files(service, folder))


def _with_files(value: Any, folder: Path, depth: int = 0) -> Any:
    """Return a value with the contents of the files that it refers to."""
    if isinstance(value, str):
        match = _FILE.fullmatch(value)
        return _content(match, folder, depth + 1) if match and depth < _DEPTH_MAX else value
    mapping = Mapping()
    mapping.update((key, _with_files(each, folder, depth)) for key, each in value.items())
    if isinstance(value, Mapping):
        mapping.entries = [_with_files(entry, folder, depth) for entry in value.entries]
        for text in value.texts:
            mapping.add_item(_with_files(text, folder, depth))
    return mapping


def _content(reference: re.Match[str], folder: Path, depth: int) -> Any:
    """Return what a file of the project has below the keys of a reference, or else its text."""
    path = normpath(reference["path"].strip())
    if path.startswith(("..", "/")):
        return reference[0]
    *parents, last = (reference["keys"] or "").split(".")
    content: Any = mapping_at(read_mappings(read_text(folder / path)), *parents)
    content = content.get(last) if last else content
    return _with_files(content, folder, depth) if content else reference[0]
