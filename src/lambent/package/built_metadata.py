"""The metadata of a project that only its build can tell, cached under the files that decide it."""

from __future__ import annotations

import hashlib
import tempfile
import zipfile
from pathlib import Path

from lambent import interpreters
from lambent.errors import PackagingError
from lambent.events import Warned
from lambent.package.build_context import BuildContext
from lambent.package.cache import read_json, write_json
from lambent.package.uv_command import Uv, UvError
from lambent.package.wheels import fetch_errors, source_tree
from lambent.package.wheels.source_build import only_wheel

_DECIDING = ("pyproject.toml", "setup.py", "setup.cfg", "*.txt", "VERSION", ".git/HEAD", ".git/logs/HEAD", ".git/packed-refs")
_MODULES = ("__init__.py", "_version.py", "version.py", "__version__.py", "__about__.py")


def files(context: BuildContext) -> dict[str, str]:
    """Return the text of METADATA and entry_points.txt, by their path in the zip. A build that fails is a warning."""
    project = context.config.path
    path = context.cache / "metadata" / f"{_key(project)}.json"
    stored = read_json(path)
    if isinstance(stored, dict):
        return {str(name): str(text) for name, text in stored.items()}
    try:
        texts = _build(context)
    except PackagingError as error:
        context.emit(Warned(f"the zip has no metadata of the project itself: {error.what}", error.hint))
        return {}
    write_json(path, texts)
    return texts


def _key(project: Path) -> str:
    modules = [f"{folder}*/{name}" for folder in ("", "src/") for name in _MODULES]
    total = hashlib.sha256()
    for pattern in (*_DECIDING, *modules):
        for path in sorted(project.glob(pattern)):
            if path.is_file():
                total.update(path.relative_to(project).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return total.hexdigest()[:32]


def _build(context: BuildContext) -> dict[str, str]:
    project = context.config.path
    interpreter = interpreters.find(context.target.python, context.environ)
    with tempfile.TemporaryDirectory(prefix="lambent-") as temporary:
        tree = source_tree.copy(project, Path(temporary) / "source")
        output = Path(temporary) / "out"
        uv = Uv(project, context.environ, context.cache / "uv-builds")
        options = ["--wheel", "--out-dir", str(output), "--no-create-gitignore"]
        options += ["--python", str(interpreter.path)] if interpreter else []
        variables = uv.without_compiler() | {"SOURCE_DATE_EPOCH": source_tree.EPOCH, "UV_NO_BUILD_ISOLATION": "false"}
        try:
            uv.run("build", *options, str(tree), **variables)
        except UvError as error:
            raise fetch_errors.build_failed(project.name, context.target, error.message, is_local=True) from error
        return _read_metadata(only_wheel(output, project.name))


def _read_metadata(wheel: Path) -> dict[str, str]:
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if name.endswith((".dist-info/METADATA", ".dist-info/entry_points.txt"))]
        return {name: archive.read(name).decode("utf-8", "replace") for name in sorted(names)}
