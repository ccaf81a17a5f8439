"""poetry.lock, of Poetry 1 and 2.

Poetry 2 says of each package which groups and markers it is for. Poetry 1 does not: there the dependencies are followed
from pyproject.toml.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from msgspec import Struct

from lambent.errors import PackagingError
from lambent.package.lock import DistFile, Pin, Repository
from lambent.package.requirements.compiled import asked_for
from lambent.package.requirements.completed import Locked, complete
from lambent.package.requirements.find import read_toml
from lambent.package.requirements.lines import name_of, normalised
from lambent.package.requirements.markers import environment, full_version
from lambent.package.requirements.question import Question, check_names
from lambent.package.urls import without_credentials


class _Wanted(Struct, frozen=True):
    """A dependency: whom, with which extras, of which versions (Poetry's notation; "" is any)."""

    name: str
    extras: tuple[str, ...] = ()
    versions: str = ""


def pins(question: Question) -> tuple[Pin, ...]:
    """The pins that a poetry.lock has for the target. Raises PackagingError."""
    packages = locked(question)
    indexes = dict.fromkeys(package.index for package in packages if package.index)
    found = complete(packages, question, [f"--extra-index-url {index}" for index in indexes])
    table = read_toml(question.asked.folder / "pyproject.toml") or {}
    roots = (f"{root.name}[{','.join(root.extras)}]" for root in _roots(table, question))
    return asked_for(found, roots, question.uv.target)


def locked(question: Question) -> tuple[Locked, ...]:
    """What the lock has for the target, without the addresses that it does not keep. Raises PackagingError."""
    lock = read_toml(question.path) or {}
    table = read_toml(question.asked.folder / "pyproject.toml") or {}
    packages = [package for package in lock.get("package", ()) if _fits(package, question)]
    named = {**table.get("tool", {}).get("poetry", {}).get("group", {}), **table.get("dependency-groups", {})}
    check_names(question, "dependency group", question.options.groups, named)
    check_names(question, "extra", question.options.extras, lock.get("extras", {}))
    roots = list(_roots(table, question))
    _check_fresh(roots, lock, question)
    if any("groups" in package for package in packages):
        chosen = [package for package in packages if _grouped(package, table, question)]
    else:
        chosen = list(_followed(packages, roots, question))
    files = lock.get("metadata", {}).get("files", {})
    return tuple(_locked(package, files, question) for package in chosen)


def _fits(package: dict[str, Any], question: Question) -> bool:
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    try:
        return any(
            SpecifierSet(_standard(part)).contains(full_version(question.uv.target))
            for part in str(package.get("python-versions", "*")).split("||")
        )
    except InvalidSpecifier:
        return True


def _standard(constraint: str) -> str:
    """One alternative of Poetry's notation in the standard one: "^1.2" is ">=1.2,<2", "~1.2" is ">=1.2,<1.3"."""
    parts = []
    for part in re.split(r"[,\s]+(?=[\^~<>=!\d*])", constraint.strip()):
        word = re.sub(r"\s+", "", part)
        if word in ("", "*"):
            continue
        caret = re.match(r"(\^|~(?!=))([\d.]+)(.*)", word)
        if caret:
            numbers = [int(number) for number in caret[2].split(".") if number]
            place = min(1, len(numbers) - 1)
            if caret[1] == "^":
                place = next((index for index, number in enumerate(numbers) if number), len(numbers) - 1)
            upper = [*numbers[:place], numbers[place] + 1]
            parts += [f">={caret[2]}{caret[3]}", f"<{'.'.join(map(str, upper))}"]
        else:
            parts.append(word if word[0] in "<>=!~" else f"=={word}")
    return ",".join(parts)


def _grouped(package: dict[str, Any], table: dict[str, Any], question: Question) -> bool:
    groups = {"main", *question.options.groups} & {normalised(group) for group in package["groups"]}
    markers = package.get("markers")
    if not groups:
        return False
    if isinstance(markers, dict):  # one for each group
        return any(group not in markers or _holds(markers[group], question) for group in groups)
    return markers is None or _holds(markers, question)


def _holds(marker: str, question: Question, extras: Iterable[str] | None = None) -> bool:
    from packaging.markers import Marker

    parsed = Marker(marker)
    values = environment(question.uv.target)
    asked = [normalised(extra) for extra in (question.options.extras if extras is None else extras)]
    return any(parsed.evaluate({**values, "extra": extra}) for extra in asked or [""])


def _roots(table: dict[str, Any], question: Question) -> Iterator[_Wanted]:
    """What pyproject.toml asks for, in the standard's or in Poetry's own tables."""
    project, poetry = table.get("project", {}), table.get("tool", {}).get("poetry", {})
    lines = list(project.get("dependencies", ()))
    for extra in question.options.extras:
        lines += project.get("optional-dependencies", {}).get(extra, ())
    for group in question.options.groups:
        lines += [line for line in table.get("dependency-groups", {}).get(group, ()) if isinstance(line, str)]
    yield from (_of_line(line) for line in lines if _applies(line, question))
    optional = {
        normalised(name_of(line)) for extra in question.options.extras for line in poetry.get("extras", {}).get(extra, ())
    }
    for name, said in poetry.get("dependencies", {}).items():
        if name != "python":
            yield from _of_table(name, said, question, optional)
    for group in question.options.groups:
        for name, said in poetry.get("group", {}).get(group, {}).get("dependencies", {}).items():
            yield from _of_table(name, said, question, optional)


def _applies(line: str, question: Question) -> bool:
    from packaging.requirements import Requirement

    marker = Requirement(line).marker
    return marker is None or _holds(str(marker), question)


def _of_line(line: str) -> _Wanted:
    from packaging.requirements import Requirement

    said = Requirement(line)
    return _Wanted(normalised(said.name), tuple(sorted(said.extras)), str(said.specifier))


def _of_table(
    name: str, said: object, question: Question, optional: set[str], extras: Iterable[str] | None = None
) -> Iterator[_Wanted]:
    """A dependency as Poetry writes it: a version, a table, or several of them for different places."""
    for one in said if isinstance(said, list) else [said]:
        table = one if isinstance(one, dict) else {"version": str(one)}
        if table.get("optional") and "markers" not in table and normalised(name) not in optional:
            continue
        if table.get("markers") and not _holds(table["markers"], question, extras):
            continue
        if "python" in table and not _fits({"python-versions": table["python"]}, question):
            continue
        if table.get("platform") not in (None, "linux"):
            continue
        yield _Wanted(normalised(name), tuple(table.get("extras", ())), str(table.get("version", "")))


def _followed(packages: list[dict[str, Any]], roots: list[_Wanted], question: Question) -> Iterator[dict[str, Any]]:
    """The packages that the roots lead to; an entry is taken once, whoever asks for it."""
    by_name: dict[str, list[dict[str, Any]]] = {}
    for package in packages:
        by_name.setdefault(normalised(package["name"]), []).append(package)
    done: dict[str, set[str]] = {}
    waiting = list(roots)
    while waiting:
        wanted = waiting.pop()
        there = by_name.get(wanted.name, [])
        if not there:
            raise PackagingError(
                f"{wanted.name} is not in the lock for {question.uv.target.name}",
                where=question.asked.source,
                hint="poetry lock",
            )
        package = next((one for one in there if _allowed(one, wanted.versions)), there[0])
        new = wanted.name not in done
        extras = done.setdefault(wanted.name, set())
        if not new and extras >= set(wanted.extras):
            continue
        extras |= set(wanted.extras)
        if new:
            yield package
        for name, said in package.get("dependencies", {}).items():
            waiting += _of_table(name, said, question, set(), extras)


def _allowed(package: dict[str, Any], versions: str) -> bool:
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    try:
        return any(
            SpecifierSet(_standard(part)).contains(package["version"], prereleases=True) for part in versions.split("||")
        )
    except InvalidSpecifier:
        return True


def _check_fresh(roots: list[_Wanted], lock: dict[str, Any], question: Question) -> None:
    there = {normalised(package["name"]): package for package in lock.get("package", ())}
    missing = sorted(root.name for root in roots if root.name not in there)
    if missing:
        raise PackagingError(
            f"{question.asked.source} is out of date: it lacks {', '.join(missing[:5])}",
            where=question.asked.source,
            hint="poetry lock",
        )


def _locked(package: dict[str, Any], files: dict[str, Any], question: Question) -> Locked:
    name, version = normalised(package["name"]), str(package["version"])
    listed = package.get("files") or files.get(package["name"], [])
    hashes = frozenset(str(file["hash"]) for file in listed)
    source = package.get("source", {})
    kind, url = source.get("type"), str(source.get("url", ""))
    if kind == "git":
        commit, subdirectory = str(source["resolved_reference"]), str(source.get("subdirectory", ""))
        repository = Repository(without_credentials(url), commit, subdirectory)
        return Locked(name, version, pin=Pin(name, version, repository=repository))
    if kind == "directory":
        return Locked(name, version, pin=Pin(name, version, folder=(question.asked.folder / url).resolve()))
    if kind in ("file", "url"):
        address = url if kind == "url" else (question.asked.folder / url).resolve().as_uri()
        return Locked(name, version, pin=archive(name, version, address, hashes))
    return Locked(name, version, hashes, url if kind == "legacy" else "")


def archive(name: str, version: str, url: str, hashes: Iterable[str]) -> Pin:
    """A pin whose one file lies at an address."""
    filename = Path(url.split("#")[0].split("?")[0]).name
    pairs = tuple(sorted((said.partition(":")[0], said.partition(":")[2]) for said in hashes))
    file = DistFile(filename, without_credentials(url.split("#")[0]), pairs)
    return Pin(name, version, wheels=(file,)) if filename.endswith(".whl") else Pin(name, version, sdist=file)
