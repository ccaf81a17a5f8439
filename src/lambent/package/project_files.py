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
import stat
from fnmatch import translate
from pathlib import Path

from msgspec import Struct, field
from msgspec.structs import replace

from lambent.errors import PackagingError
from lambent.package.gitignore import Rules, parents, rules
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
        *("*.py[co]", ".DS_Store", "Thumbs.db", ".coverage", "*.swp"),
    ]
)
_SECRETS = (
    *(".env", ".env.*", ".envrc", ".netrc", ".pypirc", ".npmrc", ".pgpass", "*.pem", "*.key", "*.p12", "*.pfx", "*.jks"),
    *("id_rsa", "id_dsa", "id_ecdsa", "id_ed25519", "*.ppk", "*.tfstate", "*.tfstate.*", "*.tfvars", "*.env"),
    *(".git-credentials", ".htpasswd", ".my.cnf", ".s3cfg", ".boto", ".vault-token", "*.keystore", "*.kdbx"),
)
_SECRET = re.compile("|".join(map(translate, _SECRETS)), re.IGNORECASE)
_TOP_ONLY = (".lambentignore", ".lambdaignore")  # the stronger one first
RULES = frozenset([".gitignore", *_TOP_ONLY])


class Source(Struct, frozen=True):
    """The files to pack, by their path in the project ("pkg/main.py"), and the secrets that were left out.

    `folders` are those that were looked into, with the names of all that is in them; `links` says that there were some.
    """

    files: dict[str, SourceFile] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()
    folders: dict[str, frozenset[str]] = field(default_factory=dict)
    links: bool = False


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
    walk.go(str(walk.top), _Place())
    return Source(dict(sorted(walk.files.items())), tuple(sorted(walk.secrets)), walk.folders, walk.links)


def packs(path: Path, name: str, exclude: tuple[str, ...] = (), include: tuple[str, ...] = ()) -> bool:
    """Whether a file called `name` in the project would be packed if it were there. Its folder must be there."""
    walk = _Walk(path.resolve(), exclude, include, ())
    *folders, last = name.split("/")
    place = walk.below_rules(_Place())
    for folder in folders:
        below = walk.below(folder, place, walk.active(place))
        if below is None:
            return False
        place = walk.below_rules(below)
    return not ignored(name, last, walk.active(place), place.inside)


class _Place(Struct, frozen=True):
    """Where the walk is. `weak` are the .gitignores on the way, the nearest first; `chain` the real folders entered by links.

    `inside` is true in a folder that is left out: only what `include` names is taken there.
    """

    prefix: str = ""
    weak: tuple[Rules, ...] = ()
    chain: frozenset[str] = frozenset()
    inside: bool = False


class _Walk:
    def __init__(self, top: Path, exclude: tuple[str, ...], include: tuple[str, ...], allowed: tuple[str, ...]) -> None:
        self.top = top
        self.files: dict[str, SourceFile] = {}
        self.secrets: list[str] = []
        self.folders: dict[str, frozenset[str]] = {}
        self.links = False
        self._allowed = frozenset(allowed)
        self._reached = parents(include)
        self._exclude, self._include = rules(exclude), rules(f"!{pattern}" for pattern in include)
        self._top_only = tuple(_read(top / name, "") for name in _TOP_ONLY if (top / name).is_file())

    def go(self, folder: str, place: _Place) -> None:
        """Takes the files below a folder. This loop sees each file of a project at every build: it must be quick."""
        entries = _entries(folder, place.prefix)
        names = self.folders[place.prefix] = frozenset(entry.name for entry in entries)
        if place.prefix and "pyvenv.cfg" in names:  # a virtual environment
            return
        if ".gitignore" in names:
            place = self.below_rules(place)
        active, here = self.active(place), Path(folder)
        for entry in entries:
            name = place.prefix + entry.name
            self.links |= entry.is_symlink()
            try:
                is_folder = entry.is_dir()
            except OSError:  # a link to itself; _check says so, unless it is ignored
                is_folder = False
            if is_folder:
                self._enter(entry, folder, place, active)
            elif not ignored(name, entry.name, active, place.inside):
                self._take(entry, name, here)

    def active(self, place: _Place) -> tuple[Rules, ...]:
        """The rules that hold in a place, the strongest first."""
        strong = (self._exclude, self._include)
        found = strong if place.inside else (*strong, *self._top_only, *place.weak, _LEFTOVERS)
        return tuple(each for each in found if each.groups)

    def below_rules(self, place: _Place) -> _Place:
        """The place with the .gitignore that is in it."""
        return replace(place, weak=(_read(self.top / place.prefix / ".gitignore", place.prefix), *place.weak))

    def below(self, name: str, place: _Place, active: tuple[Rules, ...]) -> _Place | None:
        """The place in the folder `name`, or None when nothing in it is packed."""
        path = f"{place.prefix}{name}/"
        inside = ignored(path, f"{name}/", active, place.inside)
        if name in _NEVER or (inside and path not in self._reached):
            return None
        return replace(place, prefix=path, inside=inside)

    def _enter(self, entry: os.DirEntry[str], folder: str, place: _Place, active: tuple[Rules, ...]) -> None:
        below = self.below(entry.name, place, active)
        if below is None:
            return
        _check(entry, below.prefix.removesuffix("/"), self.top)
        if entry.is_symlink():
            chain = place.chain | {os.path.realpath(folder)}
            if _ends_above(entry.path, chain):
                return
            below = replace(below, chain=chain)
        self.go(entry.path, below)

    def _take(self, entry: os.DirEntry[str], name: str, folder: Path) -> None:
        if entry.name in RULES or entry.name in _NEVER:  # .git is a file in a worktree and in a submodule
            return
        if name not in self._allowed and _SECRET.match(_real_name(entry)) and not _public(entry):
            self.secrets.append(name)
            return
        _check(entry, name, self.top)
        try:
            mode = entry.stat().st_mode
        except FileNotFoundError:  # gone since the folder was read
            return
        if stat.S_ISREG(mode):  # sockets and pipes cannot be packed
            self.files[name] = SourceFile(folder / entry.name, bool(mode & 0o100))


def ignored(path: str, name: str, active: tuple[Rules, ...], inside: bool) -> bool:
    """Whether a path is left out by these rules, the strongest first. `inside` is what holds where none says."""
    for each in active:
        verdict = each.verdict(path, name)
        if verdict is not None:
            return verdict
    return inside


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


def _read(file: Path, prefix: str) -> Rules:
    try:
        text = file.read_bytes().decode("utf-8", "surrogateescape").removeprefix("\ufeff")
    except OSError:
        return rules((), prefix)
    return rules(text.split("\n"), prefix)


def _ends_above(link: str, chain: frozenset[str]) -> bool:
    """Whether a link leads to a folder that it is in, or that was entered on the way here: following it would have no end."""
    target = os.path.realpath(link)
    return any(above == target or above.startswith(f"{target}/") for above in chain)


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


def _real_name(entry: os.DirEntry[str]) -> str:
    return os.path.realpath(entry.path).rpartition(os.sep)[2] if entry.is_symlink() else entry.name


def _public(entry: os.DirEntry[str]) -> bool:
    """Whether a file with a secret's name holds none: a .pem of nothing but certificates."""
    try:
        text = Path(entry.path).read_bytes() if entry.name.lower().endswith(".pem") else b""
    except OSError:
        return False
    return b"BEGIN CERTIFICATE" in text and b"PRIVATE KEY" not in text
