"""Errors as people read them: what, where, what to try. And bug reports that can be pasted."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Sequence

from lambent.errors import LambentError
from lambent.tracebacks import relative_frames
from lambent.ui.sanitize import sanitize
from lambent.ui.software import software

_CONTINUATION = "\n       "


def print_error(error: LambentError) -> None:
    """Print the error on stderr."""
    print(format_error(error), file=sys.stderr, flush=True)


def print_sentence(text: str) -> None:
    """Print on stderr what ended a command without an error."""
    print(text, file=sys.stderr, flush=True)


def format_error(error: LambentError) -> str:
    """Return the error as lines of text. The lines of a long hint stay in one column."""
    lines = [f"error: {error.what}"]
    if error.where:
        lines.append(f"  at   {_indent(error.where)}")
    if error.hint:
        lines.append(f"  try  {_indent(error.hint)}")
    if error.detail:
        lines.append("")
        lines.extend(f"  | {line}".rstrip() for line in relative_frames(error.detail).rstrip().splitlines())
    return sanitize("\n".join(lines))


def print_bug_report(error: BaseException, arguments: Sequence[str]) -> None:
    """Print what a maintainer needs on stderr. The values of --env are left out because they may be secret."""
    words = ["…" if option in ("--env", "-e") else word for option, word in zip(["", *arguments], arguments, strict=False)]
    words = ["--env=…" if word.startswith("--env=") else word for word in words]
    lines = [
        f"bug: {type(error).__name__}: {error}",
        "  at   lambent itself, not your app",
        "  try  report it with the lines below",
        "",
        f"  {software()}",
        f"  lambent {' '.join(words)}",
        "",
        *("  " + line for line in "".join(traceback.format_exception(error)).rstrip().splitlines()),
    ]
    print("\n".join(lines), file=sys.stderr, flush=True)


def _indent(text: str) -> str:
    return text.replace("\n", _CONTINUATION)
