"""`lambent build` once more, without importing what it takes to build from the beginning. See package/again/."""

from __future__ import annotations

import os
import sys
import time

from lambent.package.again import receipt as receipts
from lambent.package.again.replay import Made, Stale, replay
from lambent.ui import brief, sizes, units

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_OPTION = "--cache-dir"


def build_again(arguments: Sequence[str]) -> bool:
    """Whether `lambent build` with these words could be answered from its last receipt; if so, everything was said."""
    began = time.perf_counter()
    try:
        cache = _cache(arguments)
        path = receipts.place(cache, arguments, os.environ)
        receipt = receipts.read(path)
        if receipt is None:
            return False
        made = replay(receipt, cache)
        shown = _copied(made)
        receipts.write(path, made.receipt)
    except Exception:  # Stale above all; whatever it is, the build from the beginning meets it too, and says it properly
        return False
    _tell(made, shown, time.perf_counter() - began)
    return True


def _cache(arguments: Sequence[str]) -> str:
    """The cache folder, as click and platformdirs would say."""
    for at, word in enumerate(arguments):
        if word == _OPTION and at + 1 < len(arguments):
            return arguments[at + 1]
        if word.startswith(f"{_OPTION}="):
            return word.partition("=")[2]
    said = os.environ.get("LAMBENT_CACHE")
    if said:
        return said
    if sys.platform == "darwin":
        return os.path.expanduser("~/Library/Caches/lambent")
    return os.path.join(os.environ.get("XDG_CACHE_HOME", "").strip() or os.path.expanduser("~/.cache"), "lambent")


def _copied(made: Made) -> str:
    """The path of the zip that the user gets. Raises Stale for a file that is not to be replaced."""
    output, path = made.receipt["output"], made.receipt["zip"]
    if not output:
        return path
    if os.path.lexists(output):
        with open(output, "rb") as file:
            if file.read(2) not in (b"PK", b""):
                raise Stale(output)
    with open(path, "rb") as source:
        receipts.put(output, [source.read()], 0o644)
    return output


def _tell(made: Made, path: str, spent: float) -> None:
    receipt = made.receipt
    built = sizes.built(made.zipped, receipt["raw"], made.files, spent)
    rows = (("note", row, "") for row in sizes.room(receipt["shares"]))
    brief.show([*receipt["lines"], ("ok", *built), *rows, ("ok", receipt["about"], f"all {units.seconds(spent)}")], path)
