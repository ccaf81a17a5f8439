"""What a zip was made of, as far as another build may be spared by knowing it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lambent.frozen import Frozen

if TYPE_CHECKING:
    from lambent.config.model import Config
    from lambent.interpreters import Interpreter
    from lambent.package.dependencies import Dependencies
    from lambent.package.layout import SourceFile
    from lambent.package.source import Source


class Recipe(Frozen):
    """`begun` is when, in nanoseconds since 1970; `own` are the members that are no dependency's, in the zip's order, those in
    `users` the project's own files; `said` was said on the way.
    """

    begun: int
    config: Config
    source: Source
    own: tuple[tuple[str, SourceFile], ...]
    dependencies: Dependencies
    interpreter: Interpreter | None
    said: tuple[str, ...]

    @property
    def users(self) -> frozenset[str]:
        root = "" if self.config.app.root == "." else f"{self.config.app.root}/"
        names = self.source.files
        return frozenset(names) | {name.removeprefix(root) for name in names}
