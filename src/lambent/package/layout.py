"""Which file lands where in the zip. Pure.

The dependencies come first, then lambent's runtime, then the user's own files. Where two want the same path the user's own
file wins, as it does on a laptop, where the project's folder comes before site-packages.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from msgspec import Struct

from lambent.package.compiler import source_of

RUNTIME = "lambent_runtime"


def is_runtime(name: str) -> bool:
    """Whether a path in the zip is of lambent's own runtime."""
    return name.startswith(f"{RUNTIME}/")


class SourceFile(Struct, frozen=True):
    """A file to be packed: its path on this machine, and whether it may be executed. `content` is what was made of it, if that
    is to be packed in its stead (bytecode).
    """

    path: Path
    executable: bool = False
    content: bytes | None = None

    @property
    def size(self) -> int:
        return self.path.stat().st_size if self.content is None else len(self.content)

    def read(self) -> bytes:
        return self.path.read_bytes() if self.content is None else self.content


class Layout(Struct, frozen=True):
    """`own` maps paths in the zip to files to be compressed, sorted; `hidden` dependency paths that give way to them."""

    own: tuple[tuple[str, SourceFile], ...]
    hidden: frozenset[str]


def arrange(
    dependencies: Iterable[str], runtime: Mapping[str, SourceFile], user: Mapping[str, SourceFile], root: str
) -> Layout:
    """The project's files (`user`, relative to its folder) are placed as they are, and those under `root` at the top too."""
    placed = dict(user)
    if root != ".":
        prefix = f"{root}/"
        for name, file in user.items():
            if name.startswith(prefix):
                placed[name.removeprefix(prefix)] = file
    placed.update(runtime)
    hidden = frozenset(name for name in dependencies if name in placed or source_of(name) in placed)
    return Layout(tuple(sorted(placed.items())), hidden)
