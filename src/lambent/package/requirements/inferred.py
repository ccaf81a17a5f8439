"""The requirements of a project that states none, from what its files import.

Only popular packages are taken, and only if that explains all imports that a start runs: the name of an unknown module may be
anyone's package on PyPI. A library whose example the project is comes from its own folder. Django's settings say which version
they were made with, and name packages in INSTALLED_APPS.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from msgspec.structs import replace

from lambent import removed_modules
from lambent.config.detection.import_graph import ImportGraph
from lambent.config.detection.outer_folder import library_above
from lambent.config.detection.project_modules import ProjectModules
from lambent.config.model import App
from lambent.module_packages import NEEDS, known_requirement
from lambent.package.layout import SourceFile
from lambent.package.proof import lambda_system, module_syntax
from lambent.package.proof.unnamed_imports import database_drivers
from lambent.package.requirements.discovery import IMPORTS, RequirementSource
from lambent.package.requirements.requirement_lines import write_requirements
from lambent.package.shards.import_scanner import scan_imports

_UNUSED = re.compile(r"(?:^|/)(?:tests?|docs?|migrations|node_modules)/|(?:^|/)(?:test_\w+|tests|conftest|setup)\.py$")
_PAGE = re.compile(r"(?:^|/)pages/(?:.+/)?\w+\.py$")
_MADE_WITH = re.compile(rb"[Gg]enerated by 'django-admin(?:\.py)? startproject' using Django (\d+\.\d+)")
_IMPLIED = (
    ("aws-lambda-powertools", rb"\bTracer\s*\(", "aws-xray-sdk"),
    ("aws-lambda-powertools", rb"\butilities\.validation\b", "fastjsonschema"),
    ("aws-lambda-powertools", rb"\butilities\.data_masking\b", "jsonpath-ng"),
    ("aws-lambda-powertools", rb"\bAWSEncryptionSDKProvider\b", "aws-encryption-sdk"),
    ("aws-lambda-powertools", rb"\butilities\.parser\b", "pydantic"),
    ("django", rb"\bImageField\s*\(", "pillow"),
    ("wtforms", rb"\bEmail\(", "email-validator"),
    ("plotly", rb"\bplotly\.express\b", "pandas"),
    ("passlib", rb"""CryptContext\([^)]*["']bcrypt["']""", "bcrypt<5"),  # passlib doesn't work with later ones
    ("passlib", rb"""CryptContext\([^)]*["']argon2["']""", "argon2-cffi"),
    ("fastapi", rb"\b(?:security\.OAuth2PasswordRequestForm|fastapi\.(?:Form|File|UploadFile))\b", "python-multipart"),
)
"""Packages that others import only when they are used in some way: those others, the pattern of that use, and the package."""


def infer(source: RequirementSource, app: App, files: Mapping[str, SourceFile], cache: Path) -> RequirementSource:
    """Return the source of the requirements that the files imply, written to the cache, or the given one if there are none."""
    lines = _requirements(source.project, app, files) if source.kind == "nothing" and source.project.is_dir() else []
    if not lines:
        return source
    return replace(source, kind="requirements.txt", path=write_requirements(lines, cache / "inferred"), name=IMPORTS)


def _requirements(project: Path, app: App, files: Mapping[str, SourceFile]) -> list[str]:
    contents = {name: files[name].read() for name in _start_files(project, app, files)}
    contents = {name: content for name, content in contents.items() if not _is_copy_of_bottle(name, content)}
    own = {part.removesuffix(".py") for name in files for part in name.split("/")}
    packages: set[str] = set()
    lazy: set[str] = set()
    for name, content in contents.items():
        imports = scan_imports(name, content)
        for module, names in _foreign(imports.eager, own).items():
            needed = set(filter(None, map(known_requirement, names)))
            if not needed and (library := library_above(project, module)):
                needed = {str(library)}
            if not needed and not _may_fail(module, name, content):
                return []
            packages |= needed
        packages |= {known_requirement(NEEDS[name][0]) for name in imports.eager | imports.strings if name in NEEDS}
        optional = imports.lazy | (imports.strings if b"INSTALLED_APPS" in content else frozenset())
        lazy.update(filter(None, (known_requirement(name) for names in _foreign(optional, own).values() for name in names)))
    if not packages:
        return []  # nothing that a start needs
    packages |= lazy
    text = b"\n".join(contents.values())
    if "sqlalchemy" in packages:
        packages |= {known_requirement(drivers[0]) for drivers in database_drivers(text)}
    used = (row for row in _IMPLIED if not packages.isdisjoint(row[0].split()))
    packages |= {name for _, pattern, name in used if re.search(pattern, text)}
    version = _MADE_WITH.search(text)
    return [f"django~={version[1].decode()}.0" if version and name == "django" else name for name in sorted(packages)]


def _start_files(project: Path, app: App, files: Mapping[str, SourceFile]) -> Iterator[str]:
    """Yield the files that a start may import. Django finds its files by their names, so all but tests count; Dash pages."""
    modules = ProjectModules(project)
    starts = modules.starts_of(app)
    if any(name.endswith("manage.py") for name in files) or not starts:
        yield from (name for name in files if name.endswith(".py") and not _UNUSED.search(name))
        return
    names = [path.relative_to(modules.folder).as_posix() for path in ImportGraph(modules, *starts).files]
    if any(b"use_pages" in files[name].read() for name in names if name in files):
        names += filter(_PAGE.search, files)
    yield from (name for name in dict.fromkeys(names) if name in files)


def _is_copy_of_bottle(name: str, content: bytes) -> bool:
    """Whether a file is Bottle itself, which imports all servers and template engines that it can work with."""
    return name.rpartition("/")[2] == "bottle.py" and b"class Bottle(" in content


def _may_fail(module: str, name: str, content: bytes) -> bool:
    """Whether a file imports a module only where it may be missing: in a `try` or under an `if`."""
    source = module_syntax.read(name, content, sys.version_info[:2])
    return source is not None and all(each.when != "now" for each in source.imports if each.module.partition(".")[0] == module)


def _foreign(names: frozenset[str], own: set[str]) -> dict[str, list[str]]:
    """Return the names of modules that neither the project, nor Python, nor Lambda has, by their top-level module."""
    elsewhere = own | lambda_system.MODULES | sys.stdlib_module_names | removed_modules.affected_modules()
    foreign: dict[str, list[str]] = {}
    for name in sorted(names):
        top = name.partition(".")[0]
        if top and top not in elsewhere:
            foreign.setdefault(top, []).append(name)
    return foreign
