"""The proof of a zip before it is written: what would fail on Lambda is refused, what may fail is a warning.

The findings are cached under everything they depend on. For the user's modules that is what they import and which names they
bind, not what they do. So a rebuild after an edit seldom has to prove anything again, and imports none of what a proof needs.
Errors aren't cached: their hints also depend on files that aren't packed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lambent.events import Notice, Warned
from lambent.lazy import LazyModule
from lambent.package.build_context import BuildContext
from lambent.package.cache import read_json, write_json
from lambent.package.function_settings import entry_points, start_modules
from lambent.package.proof.advice import Advice
from lambent.package.proof.finding import Finding, refusal
from lambent.package.proof.fingerprint import fingerprint
from lambent.package.proof.subject import Subject
from lambent.package.zip_contents import ZipContents

if TYPE_CHECKING:
    from lambent.package.proof import prove
else:
    prove = LazyModule("lambent.package.proof.prove")


def find(context: BuildContext, contents: ZipContents, omitted: frozenset[str], add: str) -> tuple[Finding, ...]:
    """Return the findings about a zip.

    `omitted` are packages that are missing on purpose, and `add` says how to add one, with {} for its requirement.
    """
    config, target = context.config, context.target
    starts = start_modules(config)
    advice = Advice(add, config.path)
    layers, folders = bool(config.hosting.layers), config.app.code_folders
    subject = Subject(contents, target, entry_points(config), omitted, layers, advice, starts, folders)
    path = context.cache / "proofs" / f"{fingerprint(subject, str(config.path), context.cache)}.json"
    stored = read_json(path)
    if stored is not None:
        return tuple(Finding.from_json(each) for each in stored)
    findings = prove.find(subject, context.cache)
    if all(finding.level != "error" for finding in findings):
        write_json(path, [finding.as_json() for finding in findings])
    return findings


def report(context: BuildContext, findings: tuple[Finding, ...], add: str) -> None:
    """Raise PackagingError for what would fail on Lambda, and warn about what may."""
    if error := refusal(findings, context.target.name, Advice(add, context.config.path)):
        raise error
    if context.config.hosting.layers:
        context.emit(Notice("your layers count towards AWS's limit of 250 MB as well: AWS checks that during the deploy"))
    for finding in findings:
        if finding.level == "warning":
            context.emit(Warned(f"{finding.what}{f' ({finding.where})' if finding.files else ''}", finding.hint))
