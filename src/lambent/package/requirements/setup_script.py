"""setup.py and setup.cfg: the metadata that their build says, which uv asks for (PEP 517)."""

from __future__ import annotations

import tempfile
from pathlib import Path

from msgspec.structs import replace

from lambent.errors import PackagingError
from lambent.package.lock import Pin
from lambent.package.requirements.pip_compile import CompileInput
from lambent.package.requirements.pyproject import selection_arguments
from lambent.package.requirements.requested import mark_requested, without_project
from lambent.package.requirements.resolve_request import ResolveRequest
from lambent.package.requirements.uv_resolver import UvResolver
from lambent.package.wheels import source_tree


def read_pins(request: ResolveRequest) -> tuple[Pin, ...]:
    """Return the pins of install_requires and of the selected extras. Raises PackagingError.

    The build runs in a copy, because setuptools leaves files next to the setup.py.
    """
    source, options = request.source, request.options
    if options.groups:
        hint = "put them in pyproject.toml: [dependency-groups]"
        raise PackagingError(f"{source.name} has no dependency groups", where=source.name, hint=hint)
    with tempfile.TemporaryDirectory(prefix="lambent-") as folder:
        tree = source_tree.copy(source.folder, Path(folder) / source.folder.name)
        in_copy = replace(request, uv=replace(request.uv, folder=tree))
        pins = UvResolver(in_copy, CompileInput((request.path.name, *selection_arguments(options)))).pins()
        pins = without_project(pins, tree)
    return mark_requested(pins, (), request.target)
