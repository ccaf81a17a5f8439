"""The user's own files: which of them belong in the zip.

Left out by the project's own rules (`.gitignore` in any folder, `.lambentignore` and `.lambdaignore` at the top,
`exclude` in the configuration; later rules win, `!pattern` takes a file back in), and always: version control, virtual
environments, caches, and secrets. A link that leads out of the project is refused: what it points to would differ from one
machine to the next, and could be anything.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path

from pathspec import GitIgnoreSpec

from lambent.errors import PackagingError
from lambent.package.layout import SourceFile

_FOLDERS = frozenset(
    [
        ".git",
        ".hg",
        ".svn",
        "__pycache__",
        "node_modules",
        ".tox",
        ".nox",
        ".pytest_cache",
        ".mypy_cache",
        ".ruff_cache",
        ".hypothesis",
        ".ipynb_checkpoints",
        ".idea",
        ".vscode",
        ".terraform",
        ".aws-sam",
        ".serverless",
        ".aws",
        ".ssh",
        ".eggs",
        "htmlcov",
        "__pypackages__",
    ]
)
_FILES = ("*.pyc", "*.pyo", ".DS_Store", "Thumbs.db", ".coverage", "*.swp", ".gitignore", ".lambentignore", ".lambdaignore")
_SECRETS = (
    *(".env", ".env.*", ".envrc", ".netrc", ".pypirc", ".npmrc", ".pgpass", "*.pem", "*.key", "*.p12", "*.pfx", "*.jks"),
    *("id_rsa", "id_dsa", "id_ecdsa", "id_ed25519", "*.ppk", "*.tfstate", "*.tfstate.*"),
)
_IGNORE_FILES = (".gitignore", ".lambentignore", ".lambdaignore")


@dataclass(frozen=True)
class Source:
    """The files to pack, by their path in the project ("pkg/main.py"), and the secrets that were left out."""

    files: dict[str, SourceFile] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()


def collect(path: Path, exclude: tuple[str, ...] = ()) -> Source:
    """All files of a project folder, or the one file of a script. Raises PackagingError for links that lead outside."""
    if path.is_file():
        return Source({path.name: SourceFile(path, _executable(path))})
    walk = _Walk(path.resolve(), exclude)
    files = {name: SourceFile(file, _executable(file)) for name, file in walk.files(path.resolve(), "", ())}
    return Source(dict(sorted(files.items())), tuple(sorted(walk.secrets)))


@dataclass(frozen=True)
class _Rules:
    """The patterns of one folder's ignore files. `prefix` is that folder's path in the project, with its slash."""

    prefix: str
    spec: GitIgnoreSpec


class _Walk:
    def __init__(self, top: Path, exclude: tuple[str, ...]) -> None:
        self.top = top
        self.secrets: list[str] = []
        self._exclude = _Rules("", GitIgnoreSpec.from_lines(exclude))

    def files(self, folder: Path, prefix: str, rules: tuple[_Rules, ...]) -> Iterator[tuple[str, Path]]:
        rules = (*rules, *_rules_of(folder, prefix))
        with os.scandir(folder) as found:
            entries = sorted(found, key=lambda entry: entry.name)
        for entry in entries:
            name = prefix + entry.name
            path = Path(entry.path)
            if entry.is_dir():
                if _skipped_folder(entry.name, path) or self._ignored(f"{name}/", rules):
                    continue
                self._check_link(entry, name)
                if not (entry.is_symlink() and folder.resolve().is_relative_to(path.resolve())):  # else it has no end
                    yield from self.files(path, f"{name}/", rules)
            elif not _skipped_file(entry.name) and not self._ignored(name, rules):
                if _secret(entry.name, path):
                    self.secrets.append(name)
                    continue
                self._check_link(entry, name)
                if entry.is_file():  # sockets and pipes cannot be packed
                    yield name, path

    def _ignored(self, name: str, rules: tuple[_Rules, ...]) -> bool:
        ignored = False
        for each in (*rules, self._exclude):
            verdict = each.spec.check_file(name.removeprefix(each.prefix)).include
            ignored = ignored if verdict is None else verdict
        return ignored

    def _check_link(self, entry: os.DirEntry[str], name: str) -> None:
        if not entry.is_symlink():
            return
        try:
            target = Path(entry.path).resolve(strict=True)
        except (OSError, RuntimeError) as error:
            raise PackagingError(f"a link that leads nowhere: {name}", where=name, hint=f"remove it: rm {name}") from error
        if not target.is_relative_to(self.top):
            raise PackagingError(
                f"a link leads out of the project: {name} -> {target}",
                where=name,
                hint=f"copy the file into the project, or leave it out: echo '/{name}' >> .lambentignore",
            )


def _rules_of(folder: Path, prefix: str) -> Iterator[_Rules]:
    for name in _IGNORE_FILES if not prefix else _IGNORE_FILES[:1]:
        try:
            lines = (folder / name).read_text("utf-8", "replace").splitlines()
        except OSError:
            continue
        yield _Rules(prefix, GitIgnoreSpec.from_lines(lines))


def _skipped_folder(name: str, path: Path) -> bool:
    return name in _FOLDERS or name == ".venv" or (path / "pyvenv.cfg").exists()


def _skipped_file(name: str) -> bool:
    return any(fnmatch(name, pattern) for pattern in _FILES)


def _secret(name: str, path: Path) -> bool:
    """Whether a file is a secret by its name. A .pem that holds nothing but certificates is public, and stays."""
    if not any(fnmatch(name, pattern) for pattern in _SECRETS):
        return False
    if not name.endswith(".pem"):
        return True
    try:
        text = path.read_bytes()
    except OSError:
        return True
    return b"BEGIN CERTIFICATE" not in text or b"PRIVATE KEY" in text


def _executable(path: Path) -> bool:
    return bool(path.stat().st_mode & 0o100)
