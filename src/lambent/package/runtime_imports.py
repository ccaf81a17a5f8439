"""What the start of an app imports and the target's Python no longer has: a reason to take an older runtime.

It reads the app's own files and the wheels of its packages, which the build needs as well. That a wheel is for any Python 3
only says that it can be installed: Django 3.2 can't start on Python 3.13.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING

from msgspec.structs import replace

from lambent import removed_modules
from lambent.config.own_package import install_roots
from lambent.errors import PackagingError
from lambent.events import ignore
from lambent.lazy import LazyModule
from lambent.package import app_imports
from lambent.package.build_context import BuildContext
from lambent.package.dependencies import Requirements, fetch_wheels, make_shards
from lambent.package.function_settings import start_modules
from lambent.package.layout import arrange
from lambent.package.project_files import collect_project
from lambent.package.proof.finding import Finding
from lambent.package.unfit import Blocker, UnfitError, pythons_before
from lambent.package.zip_contents import ZipContents

if TYPE_CHECKING:
    from lambent.package.proof import missing_imports, prove
else:
    missing_imports = LazyModule("lambent.package.proof.missing_imports")
    prove = LazyModule("lambent.package.proof.prove")


def affected_imports(context: BuildContext) -> frozenset[str]:
    """Return the lines with which the app's own files import modules that some Python removed, in whole or in part."""
    return app_imports.import_lines(collect_project(context.config).files, removed_modules.affected_modules())


def check(context: BuildContext, requirements: Requirements) -> UnfitError | None:
    """Return why the app can't start on the target's Python, or None if nothing that it imports was removed from that."""
    if context.config.hosting.layers:
        return None  # they may have anything
    files = collect_project(context.config).files
    slimmed = app_imports.imports_of_slimmed_modules(files, context.config.app.root)
    wheels = fetch_wheels(context, requirements)
    with ExitStack() as archives:
        shards = make_shards(replace(context, emit=ignore), requirements, wheels, slimmed, ignore)
        for shard in shards:
            archives.callback(shard.close)
        names = [entry.name for shard in shards for entry in shard.entries]
        roots = install_roots(context.config.path)
        contents = ZipContents(shards, arrange(names, {}, files, context.config.app, roots))
        code = prove.code_of(contents, has_layers=False)
        findings = missing_imports.missing(code, start_modules(context.config), context.target)
        blockers = tuple(_blockers(findings, contents))
    if not blockers:
        return None
    return UnfitError(PackagingError(blockers[0].describe(context.target.python)), blockers)


def _blockers(findings: tuple[Finding, ...], contents: ZipContents) -> Iterator[Blocker]:
    owners = {entry.name: shard.wheel for shard, entry in contents.entries()}
    for finding in findings:
        top = finding.module.partition(".")[0]
        removed = removed_modules.removed_in(finding.module) or removed_modules.removed_in(top)
        if not removed:
            continue
        path = finding.files[0].partition(":")[0]
        owner = owners.get(path)
        reason, pythons = finding.what.partition(" ")[2], pythons_before(removed)
        if owner is None:
            yield Blocker(path, "", reason, pythons)
        else:
            yield Blocker(owner.name, owner.version, reason, pythons, is_requested=False)
