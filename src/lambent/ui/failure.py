"""An error in our one form: what, where, try. And a bug of ours, as a report one can paste."""

from __future__ import annotations

import platform
import sys
import traceback
from collections.abc import Sequence

from lambent import __version__
from lambent.errors import LambentError
from lambent.ui.letters import printable

_NEXT = "\n       "


def show(error: LambentError) -> None:
    """Prints the error on stderr."""
    print(text(error), file=sys.stderr, flush=True)


def text(error: LambentError) -> str:
    """The error as lines; a hint of several lines is kept in one column."""
    told = [f"error: {error.what}"]
    if error.where:
        told.append(f"  at   {_hang(error.where)}")
    if error.hint:
        told.append(f"  try  {_hang(error.hint)}")
    if error.detail:
        told.append("")
        told.extend(f"  | {line}".rstrip() for line in error.detail.rstrip().splitlines())
    return printable("\n".join(told))


def bug(error: BaseException, arguments: Sequence[str]) -> None:
    """Prints what a maintainer needs. The values of --env are left out, since they may be secret."""
    shown = ["…" if before in ("--env", "-e") else word for before, word in zip(["", *arguments], arguments, strict=False)]
    shown = ["--env=…" if word.startswith("--env=") else word for word in shown]
    told = [
        f"bug: {type(error).__name__}: {error}",
        "  at   lambent itself, not your app",
        "  try  report it with the lines below",
        "",
        f"  lambent {__version__}, Python {platform.python_version()}, {platform.platform()}",
        f"  lambent {' '.join(shown)}",
        "",
        *("  " + line for line in "".join(traceback.format_exception(error)).rstrip().splitlines()),
    ]
    print("\n".join(told), file=sys.stderr, flush=True)


def _hang(words: str) -> str:
    return words.replace("\n", _NEXT)
