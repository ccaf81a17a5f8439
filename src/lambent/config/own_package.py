"""The project as a package that can be installed: whether it is one, and the folders that an install would import from."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from lambent.config.detection.project_text import read_text
from lambent.config.detection.yaml_mappings import mapping_at, text_at

_PACKAGE_DIRS = (
    ("setup.py", r"""package_dir\s*=\s*(?:\{|dict\()\s*["']["']\s*:\s*["']([\w./-]+)["']"""),
    ("setup.py", r"""find_(?:namespace_)?packages\(\s*(?:where\s*=\s*)?["']([\w./-]+)["']"""),
    ("setup.cfg", r"(?m)^package_dir\s*=\s*\n?\s*=\s*([\w./-]+)"),
)
_SETUP_NAME = re.compile(r"""(?m)^\s*(?:setup\(\s*)?name\s*=\s*["']?([\w.-]+)""")


def is_installable(project: Path) -> bool:
    """Return whether pip could install the project."""
    table = _read_table(project)
    return (
        "project" in table or "build-system" in table or any(map(is_setup_file, (project / "setup.py", project / "setup.cfg")))
    )


def is_library(project: Path, module: str) -> bool:
    """Return whether a folder is a distribution with a module's name, whose install provides that module."""
    is_named = any(re.sub(r"[-.]", "_", name).lower() == module.lower() for name in distribution_names(project))
    sources = (project / root / module for root in (".", *install_roots(project)))
    return is_named and any((path / "__init__.py").is_file() or path.with_suffix(".py").is_file() for path in sources)


def distribution_names(project: Path) -> list[str]:
    """Return what a folder that pip could install calls its distribution, in each file that names it."""
    table = _read_table(project)
    texts = (read_text(project / name) for name in ("setup.py", "setup.cfg"))
    names = [text_at(mapping_at(table, *keys), "name") for keys in (("project",), ("tool", "poetry"))]
    return [*filter(None, names), *(match[1] for match in map(_SETUP_NAME.search, texts) if match)]


def is_setup_file(path: Path) -> bool:
    """Return whether a file describes a distribution.

    Many a setup.cfg only has settings of flake8 or mypy, and many a setup.py creates the app's database.
    """
    if not path.is_file():
        return False
    is_script = path.name == "setup.py"
    pattern = r"\b(?:setuptools|distutils|skbuild)\b|\bsetup\s*\(" if is_script else r"(?m)^\[(?:metadata|options)\]"
    return re.search(pattern, path.read_text("utf-8-sig", "replace")) is not None


def install_roots(project: Path) -> tuple[str, ...]:
    """Return the folders, apart from the project's own, whose content an installed project can import at the top level."""
    if project.is_file() or not is_installable(project):
        return ()
    roots: list[str] = []
    with suppress(AttributeError, TypeError):  # a table in another form, which is the tool's to refuse
        roots += _configured_roots(_read_table(project).get("tool", {}))
    roots += [root for name, pattern in _PACKAGE_DIRS for root in re.findall(pattern, read_text(project / name))]
    source = project / "src"
    # A build finds the packages in src/ even if that is a package itself, and its code may then use both names.
    is_root = not (source / "__init__.py").exists() or "build-system" in _read_table(project)
    if source.is_dir() and is_root and any(source.glob("*/__init__.py")):
        roots.append("src")
    return tuple(dict.fromkeys(root for root in (each.strip("./") for each in roots) if root and (project / root).is_dir()))


def _configured_roots(tool: Mapping[str, Any]) -> list[str]:
    setuptools = tool.get("setuptools", {})
    packages = setuptools.get("packages", {})
    find = packages.get("find", {}) if isinstance(packages, dict) else {}
    hatch = tool.get("hatch", {}).get("build", {}).get("targets", {}).get("wheel", {})
    roots = [*find.get("where", ()), setuptools.get("package-dir", {}).get("", "")]
    roots += [path.rpartition("/")[0] for path in hatch.get("packages", ())]
    roots += [entry.get("from", "") for entry in tool.get("poetry", {}).get("packages", ()) if isinstance(entry, dict)]
    return [*roots, tool.get("pdm", {}).get("build", {}).get("package-dir", "")]


def _read_table(project: Path) -> dict[str, Any]:
    """Return the table of pyproject.toml. Empty for one that isn't TOML, which is refused where its content is needed."""
    with suppress(OSError, ValueError):
        return tomllib.loads((project / "pyproject.toml").read_text("utf-8"))
    return {}
