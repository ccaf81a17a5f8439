"""Which of the user's files and of the runtime's lands where in the zip. Pure.

The dependencies come first, then lambent's runtime, then the user's own files. If two have the same path, the user's file
wins, as it does on a laptop, where the project's folder comes before site-packages.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from msgspec import Struct

from lambent.config.model import App
from lambent.package.compiler import source_of

RUNTIME = "lambent_runtime"
_OWN_FILES = f"{RUNTIME}/own_files"  # read by runtime/writable.py


def is_runtime(name: str) -> bool:
    """Whether a path in the zip belongs to lambent's own runtime."""
    return name.startswith(f"{RUNTIME}/")


class SourceFile(Struct, frozen=True):
    """A file to pack: its path on this machine, or its `content` if lambent generated it, and whether it is executable."""

    path: Path
    executable: bool = False
    content: bytes | None = None

    @classmethod
    def generated(cls, name: str, content: bytes) -> SourceFile:
        return cls(Path(name), content=content)

    @property
    def size(self) -> int:
        return self.path.stat().st_size if self.content is None else len(self.content)

    def read(self) -> bytes:
        return self.path.read_bytes() if self.content is None else self.content


Files = tuple[tuple[str, SourceFile], ...]
"""Files to compress, by their path in the zip, sorted."""


class Layout(Struct, frozen=True):
    """The files to compress, and the paths of dependencies' files that they replace."""

    files: Files
    hidden: frozenset[str]


def arrange(
    dependencies: Iterable[str],
    runtime: Mapping[str, SourceFile],
    user: Mapping[str, SourceFile],
    app: App,
    install_roots: Iterable[str] = (),
) -> Layout:
    """Place the project's files (`user`) by their path in the project, and those below the app's root at the top as well.

    So are those below `install_roots` and the modules in `app.shared_modules`, where the top has no file of that name.
    """
    placed = dict(user)
    if app.root != ".":
        placed |= _below(app.root, user)
        _uncover_module(placed, user, app)
    for other in install_roots:
        placed = {**_below(other, user), **placed}
    for module in app.shared_modules:
        placed = {**_module(module, user), **placed}
    if runtime:
        names = "".join(f"{name}\0" for name in sorted(placed))
        placed[_OWN_FILES] = SourceFile.generated(_OWN_FILES, names.encode("utf-8", "surrogateescape"))
    placed.update(runtime)
    hidden = frozenset(name for name in dependencies if name in placed or source_of(name) in placed)
    return Layout(tuple(sorted(placed.items())), hidden)


def _uncover_module(placed: dict[str, SourceFile], user: Mapping[str, SourceFile], app: App) -> None:
    """Make a package of the project a plain folder if its name hides the app's module, app.py in app/.

    A server that is started in that folder (`cd app && uvicorn app:app`) doesn't see the package, and the zip's top has both.
    """
    top = app.module.partition(".")[0]
    if top == app.module and f"{app.root}/{top}.py" in user and f"{app.root}/{top}/__init__.py" not in user:
        placed.pop(f"{top}/__init__.py", None)


def _module(path: str, files: Mapping[str, SourceFile]) -> dict[str, SourceFile]:
    """Return the file, or the files of the package, at a path as they are at the top."""
    start = path.rpartition("/")[0] + "/"
    return {name.removeprefix(start): file for name, file in files.items() if name == path or name.startswith(f"{path}/")}


def _below(root: str, files: Mapping[str, SourceFile]) -> dict[str, SourceFile]:
    prefix = f"{root}/"
    return {name.removeprefix(prefix): file for name, file in files.items() if name.startswith(prefix)}
