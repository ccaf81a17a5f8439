"""The user's own files: which of them belong in the zip.

Left out by rules, the later ones win: those here (editors' and tools' leftovers), `.gitignore` in any folder,
`.lambdaignore` and `.lambentignore` at the top, `include` and `exclude` of the configuration. And always: version control,
virtual environments, caches, and secrets by their name. Folders without files are not packed, as git does not keep them.
A link that leads out of the project is refused: what it points to would differ from one machine to the next, and could be
anything.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import translate
from pathlib import Path

from lambent.errors import PackagingError
from lambent.package.ignore import Rules, parents, rules
from lambent.package.layout import SourceFile

_NEVER = frozenset(
    [
        *(".git", ".hg", ".svn", ".aws", ".ssh", ".terraform", ".aws-sam", ".serverless", "__pypackages__"),
        *("__pycache__", ".venv", ".tox", ".nox", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".hypothesis", ".eggs"),
    ]
)
_LEFTOVERS = rules(
    [
        *("node_modules/", "htmlcov/", ".ipynb_checkpoints/", ".idea/", ".vscode/"),
        *("*.py[co]", ".DS_Store", "Thumbs.db", ".coverage", "*.swp", ".gitignore", ".lambentignore", ".lambdaignore"),
    ]
)
_SECRETS = (
    *(".env", ".env.*", ".envrc", ".netrc", ".pypirc", ".npmrc", ".pgpass", "*.pem", "*.key", "*.p12", "*.pfx", "*.jks"),
    *("id_rsa", "id_dsa", "id_ecdsa", "id_ed25519", "*.ppk", "*.tfstate", "*.tfstate.*"),
)
_SECRET = re.compile("|".join(map(translate, _SECRETS)))
_TOP_ONLY = (".lambentignore", ".lambdaignore")  # the stronger one first


@dataclass(frozen=True)
class Source:
    """The files to pack, by their path in the project ("pkg/main.py"), and the secrets that were left out."""

    files: dict[str, SourceFile] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()


def collect(
    path: Path, exclude: tuple[str, ...] = (), include: tuple[str, ...] = (), allow_secrets: tuple[str, ...] = ()
) -> Source:
    """All files of a project folder, or the one file of a script.

    `exclude` and `include` are patterns, `allow_secrets` paths of files that are packed though their names say they are
    secrets. Raises PackagingError for what cannot be read, a link that leads outside, a name that a zip cannot hold.
    """
    if path.is_file():
        return Source({path.name: SourceFile(path, bool(path.stat().st_mode & 0o100))})
    walk = _Walk(path.resolve(), exclude, include, allow_secrets)
    files = dict(walk.files(str(walk.top), "", (), frozenset(), False))
    return Source(dict(sorted(files.items())), tuple(sorted(walk.secrets)))


def packs(path: Path, name: str, exclude: tuple[str, ...] = (), include: tuple[str, ...] = ()) -> bool:
    """Whether a file called `name` in the project would be packed if it were there now. Its folder must be there."""
    walk = _Walk(path.resolve(), exclude, include, ())
    *folders, last = name.split("/")
    prefix, ignored = "", False
    weak = _with_rules_of(walk.top, "", ())
    for folder in folders:
        prefix += f"{folder}/"
        ignored = walk.ignored(prefix, f"{folder}/", weak, ignored)
        if folder in _NEVER or (ignored and prefix not in walk.reached):
            return False
        weak = _with_rules_of(walk.top / prefix, prefix, weak)
    return not walk.ignored(name, last, weak, ignored)


class _Walk:
    def __init__(self, top: Path, exclude: tuple[str, ...], include: tuple[str, ...], allowed: tuple[str, ...]) -> None:
        self.top = top
        self.secrets: list[str] = []
        self.reached = parents(include)
        self._allowed = frozenset(allowed)
        self._include = rules(f"!{pattern}" for pattern in include)
        top_only = [_read(top / name, "") for name in _TOP_ONLY if (top / name).is_file()]
        self._strong = (rules(exclude), self._include, *top_only)

    def files(
        self, folder: str, prefix: str, weak: tuple[Rules, ...], chain: frozenset[str], ignored: bool
    ) -> Iterator[tuple[str, SourceFile]]:
        """The files below `folder`. `weak` are the .gitignores above it, the nearest first; `chain` the real folders above."""
        entries = _entries(folder, prefix)
        names = [entry.name for entry in entries]
        if prefix and "pyvenv.cfg" in names:
            return
        if ".gitignore" in names:
            weak = _with_rules_of(Path(folder), prefix, weak)
        for entry in entries:
            name = prefix + entry.name
            if entry.is_dir():
                below = self.ignored(f"{name}/", f"{entry.name}/", weak, ignored)
                if entry.name in _NEVER or (below and f"{name}/" not in self.reached):
                    continue
                _check(entry, name, self.top)
                if entry.is_symlink():
                    chain |= {os.path.realpath(folder)}
                if entry.is_symlink() and _ends_above(entry.path, folder, chain):
                    continue
                yield from self.files(entry.path, f"{name}/", weak, chain, below)
            elif not self.ignored(name, entry.name, weak, ignored):
                yield from self._file(entry, name)

    def ignored(self, path: str, name: str, weak: tuple[Rules, ...], inside: bool) -> bool:
        """Whether a path is left out. Inside a folder that is, only `include` takes one back in."""
        if inside:
            return self._include.verdict(path, name) is not False or self._strong[0].verdict(path, name) is True
        for each in (*self._strong, *weak, _LEFTOVERS):
            verdict = each.verdict(path, name)
            if verdict is not None:
                return verdict
        return False

    def _file(self, entry: os.DirEntry[str], name: str) -> Iterator[tuple[str, SourceFile]]:
        if name not in self._allowed and _secret(entry):
            self.secrets.append(name)
            return
        _check(entry, name, self.top)
        if not entry.is_file():  # sockets and pipes cannot be packed
            return
        try:
            mode = entry.stat().st_mode
        except FileNotFoundError:  # gone since the folder was read
            return
        yield name, SourceFile(Path(entry.path), bool(mode & 0o100))


def _entries(folder: str, prefix: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            return sorted(found, key=lambda entry: entry.name)
    except FileNotFoundError:
        if prefix:  # gone since its parent was read
            return []
        raise
    except PermissionError as error:
        name = prefix or folder
        hint = f"chmod +rx {name}, or leave it out: echo '/{name}' >> .lambentignore"
        raise PackagingError(f"a folder that may not be read: {name}", where=name, hint=hint) from error


def _with_rules_of(folder: Path, prefix: str, weak: tuple[Rules, ...]) -> tuple[Rules, ...]:
    return (_read(folder / ".gitignore", prefix), *weak)


def _read(file: Path, prefix: str) -> Rules:
    try:
        text = file.read_bytes().decode("utf-8", "surrogateescape").removeprefix("\ufeff")
    except OSError:
        return rules((), prefix)
    return rules(text.split("\n"), prefix)


def _ends_above(link: str, folder: str, chain: frozenset[str]) -> bool:
    """Whether a link leads to a folder that it is in, or that was entered on the way here: following it would have no end."""
    target = os.path.realpath(link)
    return any(above == target or above.startswith(f"{target}/") for above in (os.path.realpath(folder), *chain))


def _check(entry: os.DirEntry[str], name: str, top: Path) -> None:
    if not name.isascii():
        try:
            name.encode()
        except UnicodeEncodeError as error:
            shown = os.fsencode(name).decode("utf-8", "backslashreplace")
            hint = "rename it: Lambda's files have names in UTF-8"
            raise PackagingError(f"a name that is not UTF-8: {shown}", where=shown, hint=hint) from error
    if not entry.is_symlink():
        return
    try:
        target = Path(entry.path).resolve(strict=True)
    except (OSError, RuntimeError) as error:
        raise PackagingError(f"a link that leads nowhere: {name}", where=name, hint=f"remove it: rm {name}") from error
    if not target.is_relative_to(top):
        raise PackagingError(
            f"a link leads out of the project: {name} -> {target}",
            where=name,
            hint=f"copy the file into the project, or leave it out: echo '/{name}' >> .lambentignore",
        )


def _secret(entry: os.DirEntry[str]) -> bool:
    """Whether a file, or what it links to, is a secret by its name. A .pem of nothing but certificates is public, and stays."""
    names = [entry.name, Path(entry.path).resolve().name] if entry.is_symlink() else [entry.name]
    found = next((name for name in names if _SECRET.match(name)), None)
    if found is None or not found.endswith(".pem"):
        return found is not None
    try:
        text = Path(entry.path).read_bytes()
    except OSError:
        return True
    return b"BEGIN CERTIFICATE" not in text or b"PRIVATE KEY" in text
