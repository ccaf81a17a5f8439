"""The findings of a proof, and the one error that they become."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from msgspec import Struct
from msgspec.structs import asdict, replace

from lambent.errors import PackagingError
from lambent.package.proof.advice import DEFAULT, Advice

Level = Literal["error", "warning", "note"]
"""An error is certain to fail on Lambda, a warning is likely to. A note is only shown on request."""

_SHOWN = 3


class Finding(Struct, frozen=True):
    """A finding. `what` is a sentence, `files` are paths in the zip, `package` is "name version" ("" for the user's files).

    `requirement` is the package that would be the cure for the app's own import, "" for none. `module` is what an import lacks
    that every start runs.
    """

    level: Level
    what: str
    files: tuple[str, ...] = ()
    package: str = ""
    hint: str = ""
    requirement: str = ""
    module: str = ""

    @property
    def where(self) -> str:
        """The files for people: the first few, and how many more."""
        more = len(self.files) - _SHOWN
        return ", ".join(self.files[:_SHOWN]) + (f" and {more} more" if more > 0 else "")

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Finding:
        return cls(**{**stored, "files": tuple(stored["files"])})


def refusal(findings: Sequence[Finding], target: str, advice: Advice = DEFAULT) -> PackagingError | None:
    """Return one error for all findings that are errors, with the first as its headline; None if there are none."""
    errors = [finding for finding in findings if finding.level == "error"]
    if not errors:
        return None
    first, *others = errors = _with_one_hint(errors, advice)
    detail = "\n".join(line for finding in others for line in _lines(finding))
    heading = f"{len(errors)} errors on {target}; the others are:\n" if others else ""
    return PackagingError(first.what, where=first.where, hint=first.hint, detail=heading + detail)


def _with_one_hint(errors: list[Finding], advice: Advice) -> list[Finding]:
    """Return the errors with one hint for all packages that are missing, at the first of them."""
    missing = dict.fromkeys(error.requirement for error in errors if error.requirement)
    if len(missing) < 2:
        return errors
    hint = advice.adding(*missing)
    first = next(error for error in errors if error.requirement)
    return [replace(error, hint=hint if error is first else "") if error.requirement else error for error in errors]


def _lines(finding: Finding) -> list[str]:
    lines = [finding.what]
    lines += [f"  at   {finding.where}"] if finding.files else []
    return lines + ([f"  try  {finding.hint}"] if finding.hint else [])
