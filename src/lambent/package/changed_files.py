"""Which files of an app differ from another version's, whose zip is still in the build cache. Reads only the two directories.

The cache has the last few zips of each app. What another machine has built isn't known here.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from lambent.package.archive import Archive, BadArchive, Entry
from lambent.package.layout import is_runtime
from lambent.package.zip_name import other_zip

_SHOWN = 5
_METADATA = re.compile(r"([^/]+)-([^/-]+)\.dist-info/")


def changed_files(path: Path, entries: Iterable[Entry], owners: Mapping[str, str], sha256: str) -> str:
    """Return how a zip in the cache differs from the app's zip with this CodeSha256, "" if that one isn't there.

    `entries` are its members, `owners` the packages of its files.
    """
    before = _read(other_zip(path, base64.b64decode(sha256)))
    return summarize(before, entries, owners) if before is not None else ""


def _read(path: Path) -> tuple[Entry, ...] | None:
    try:
        with Archive(path) as archive:
            return tuple(archive.entries)
    except (OSError, BadArchive):
        return None


def summarize(before: Iterable[Entry], after: Iterable[Entry], owners: Mapping[str, str]) -> str:
    """Return the differences as text: "app.py, +new.py, -old.py, flask 3.0 -> 3.1". `owners` are the packages' files. Pure."""
    old, new = _by_name(before), _by_name(after)
    packages_before, packages_after = _packages(old), _packages(new)
    tops = {name.partition("/")[0] for name in owners}
    own = [name for name in {**new, **old} if not (name in owners or _belongs_to_package(name, tops, packages_before))]
    changes = [
        *(name for name in own if name in old and name in new and _content(old[name]) != _content(new[name])),
        *(f"+{name}" for name in own if name not in old),
        *_removed([name for name in own if name not in new], new),
        *_changed_packages(packages_before, packages_after),
    ]
    shown = changes[:_SHOWN]
    if rest := len(changes) - len(shown):
        shown[-1] += f" and {rest} more"
    return ", ".join(shown) or "only lambent's own part"


def _by_name(entries: Iterable[Entry]) -> dict[str, Entry]:
    """Return the members that people know: without bytecode and without lambent's runtime."""
    return {entry.name: entry for entry in entries if not entry.name.endswith(".pyc") and not is_runtime(entry.name)}


def _content(entry: Entry) -> tuple[int, int]:
    return entry.crc, entry.raw


def _packages(entries: Iterable[str]) -> dict[str, str]:
    """Return the versions of the packages in a zip, by the names of their metadata folders."""
    return {match[1]: match[2] for match in map(_METADATA.match, entries) if match}


def _belongs_to_package(name: str, tops: Collection[str], before: Mapping[str, str]) -> bool:
    top = name.partition("/")[0]
    return _METADATA.match(name) is not None or (top in tops and top != name) or top in before


def _removed(names: list[str], new: Iterable[str]) -> list[str]:
    """Return what is gone, with a folder that is gone altogether in place of its files."""
    tops = {name.partition("/")[0] for name in new}
    parts = ((name, *name.partition("/")) for name in names)
    removed = (f"{top}/" if slash and top not in tops else name for name, top, slash, _ in parts)
    return [f"-{name}" for name in dict.fromkeys(removed)]


def _changed_packages(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    return [
        *(f"{name} {before[name]} -> {after[name]}" for name in after if before.get(name, after[name]) != after[name]),
        *(f"+{name} {after[name]}" for name in after if name not in before),
        *(f"-{name} {before[name]}" for name in before if name not in after),
    ]
