"""Which of the project's files belong in the zip.

Rules leave files out, and later ones win: the list below (what editors and tools leave behind), `.gitignore` in any folder,
`.lambdaignore` and `.lambentignore` at the top, `include` and `exclude` in the configuration. Never packed are version control,
virtual environments, caches, and files whose names say that they hold secrets. Empty folders are not packed, as in git, and
what git tracks is packed although a `.gitignore` names it. A link that leads out of the repository, or has an absolute path out
of the project, is an error: its target would differ from one machine to the next, and could be anything.
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
from fnmatch import translate
from functools import cached_property
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from lambent.config.identity import find_repository
from lambent.config.model import Config
from lambent.errors import PackagingError
from lambent.package.git_index import TrackedFiles
from lambent.package.gitignore import Rules, parents, rules
from lambent.package.layout import SourceFile
from lambent.systems import is_windows

_PRIVATE = frozenset(
    [".git", ".hg", ".svn", ".aws", ".ssh", ".terraform", ".kube", ".gnupg", ".azure", ".oci", ".password-store"],
)
"""Folders that may hold credentials, under whatever name a link leads to them."""
_NEVER = _PRIVATE | frozenset(
    [
        *("__pycache__", ".venv", ".tox", ".nox", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".hypothesis", ".eggs"),
        *(".aws-sam", ".serverless", "__pypackages__"),
    ]
)
_LEFTOVERS = rules(
    [
        *("node_modules/", "htmlcov/", ".ipynb_checkpoints/", ".idea/", ".vscode/", "*.egg-info/"),
        *("*.py[co]", ".DS_Store", "Thumbs.db", ".coverage", "*.swp"),
    ]
)
_SECRETS = (
    *(".env", ".env[._~-]*", "*.env", ".envrc", ".netrc", "_netrc", ".pypirc", ".npmrc", ".pgpass", "pgpass.conf"),
    *("*.pem", "*.key", "*.p12", "*.pfx", "*.jks", "*.keystore", "*.kdbx", "*.ppk"),
    *("id_rsa", "id_dsa", "id_ecdsa", "id_ed25519", "*.tfstate", "*.tfstate.*", "*.tfvars", "*.tfvars.json"),
    *(".git-credentials", ".htpasswd", ".my.cnf", ".mylogin.cnf", ".s3cfg", ".boto", ".vault-token", ".dockercfg"),
    *(".secrets.*", ".databrickscfg", ".terraformrc", "credentials.tfrc.json", "kaggle.json", "rclone.conf"),
    "application_default_credentials.json",
    *(".*_history", ".*_history[.~-]*", "fish_history", ".zhistory", ".histfile", ".viminfo", ".lesshst"),  # have passwords
)
_SECRET_PATHS = (
    *("/.docker/config.json", "/containers/auth.json", "/.config/gh/hosts.yml", "/.config/git/credentials"),
    *("/.config/pypoetry/auth.toml", "/.cargo/credentials", "/.cargo/credentials.toml", "/.gem/credentials"),
    *("/.streamlit/secrets.toml", "/.huggingface/token", "/.cache/huggingface/token", "/.composer/auth.json"),
    *("/.m2/settings.xml", "/.m2/settings-security.xml"),
)
_NEVER_PATHS = ("/.config/gcloud/",)
_SECRET = re.compile("|".join(map(translate, _SECRETS)), re.IGNORECASE)
_TOP_ONLY = (".lambentignore", ".lambdaignore")  # the first one wins
RULES = frozenset([".gitignore", *_TOP_ONLY])


class ProjectFiles(Struct, frozen=True):
    """The files to pack, by their path in the project ("pkg/main.py"), and the secrets and links that were left out."""

    files: dict[str, SourceFile]
    secrets: tuple[str, ...] = ()
    broken_links: tuple[str, ...] = ()


def collect(
    path: Path, exclude: tuple[str, ...] = (), include: tuple[str, ...] = (), allow_secrets: tuple[str, ...] = ()
) -> ProjectFiles:
    """Return the files of a project folder, or the single file of a script.

    `exclude` and `include` are patterns; `allow_secrets` are paths of files to pack although their names suggest secrets.
    Raises PackagingError for a folder that can't be read, a link that leads outside, and a name that a zip can't hold.
    """
    if path.is_file():
        return ProjectFiles({path.name: SourceFile(path, _is_executable(path, path.stat().st_mode))})
    walk = _Walk(path.resolve(), exclude, include, allow_secrets)
    walk.collect(str(walk.top), _Folder())
    return ProjectFiles(dict(sorted(walk.files.items())), tuple(sorted(walk.secrets)), tuple(sorted(walk.broken_links)))


def collect_project(config: Config) -> ProjectFiles:
    """Return the files of an app's project, as its configuration says. Raises PackagingError as `collect` does."""
    packaging = config.packaging
    return collect(config.path, config.exclude, packaging.include, packaging.allow_secrets)


def packs(path: Path, name: str, exclude: tuple[str, ...] = (), include: tuple[str, ...] = ()) -> bool:
    """Whether a file at the path `name` in the project would be packed if it existed. Its folder must exist."""
    walk = _Walk(path.resolve(), exclude, include, ())
    *folders, last = name.split("/")
    folder = walk.with_own_rules(_Folder())
    for part in folders:
        subfolder = walk.subfolder(part, folder, walk.rules_in(folder))
        if subfolder is None:
            return False
        folder = walk.with_own_rules(subfolder)
    return not ignored(name, last, walk.rules_in(folder), folder.ignored) or walk.is_tracked(name, last, folder)


class _Folder(Struct, frozen=True):
    """A folder of the project. `prefix` is its path with a slash at the end, `gitignores` the rules on the way, nearest first.

    `linked_from` are the real paths of the folders whose links lead here. In an `ignored` folder only files that match
    `include` are packed, and if it `has_tracked`, those that git tracks.
    """

    prefix: str = ""
    gitignores: tuple[Rules, ...] = ()
    linked_from: frozenset[str] = frozenset()
    ignored: bool = False
    has_tracked: bool = False


class _Walk:
    def __init__(self, top: Path, exclude: tuple[str, ...], include: tuple[str, ...], allowed: tuple[str, ...]) -> None:
        self.top = top
        self.files: dict[str, SourceFile] = {}
        self.secrets: list[str] = []
        self.broken_links: list[str] = []
        self._allowed = frozenset(allowed)
        self._include_parents = parents(include)
        self._exclude, self._include = rules(exclude), rules(f"!{pattern}" for pattern in include)
        self._tracked = TrackedFiles(top)
        self._output = _output_files()
        self._top_only = tuple(_read(top / name, "") for name in _TOP_ONLY if (top / name).is_file())

    def collect(self, path: str, folder: _Folder) -> None:
        """Collect the files below a folder. This loop sees every file of a project at every build, so it has to be fast."""
        entries = _entries(path, folder.prefix)
        names = frozenset(entry.name for entry in entries)
        if folder.prefix and "pyvenv.cfg" in names:  # a virtual environment
            return
        if ".gitignore" in names:
            folder = self.with_own_rules(folder)
        active, parent = self.rules_in(folder), Path(path)
        for entry in entries:
            name = folder.prefix + entry.name
            try:
                is_folder = entry.is_dir()
            except OSError:  # a link to itself: an error in _check, unless it is ignored
                is_folder = False
            if is_folder:
                self._enter(entry, path, folder, active)
            elif not ignored(name, entry.name, active, folder.ignored) or self.is_tracked(name, entry.name, folder):
                self._add(entry, name, parent, folder)

    def rules_in(self, folder: _Folder) -> tuple[Rules, ...]:
        """Return the rules that apply in a folder, the strongest first."""
        configured = (self._exclude, self._include)
        files = configured if folder.ignored else (*configured, *self._top_only, *folder.gitignores, _LEFTOVERS)
        return tuple(file for file in files if file.groups)

    def with_own_rules(self, folder: _Folder) -> _Folder:
        """Return the folder with the rules of its own .gitignore."""
        own = _read(self.top / folder.prefix / ".gitignore", folder.prefix)
        return replace(folder, gitignores=(own, *folder.gitignores))

    def subfolder(self, name: str, folder: _Folder, active: tuple[Rules, ...]) -> _Folder | None:
        """Return the folder `name` in another one, or None if nothing in it is packed."""
        path = f"{folder.prefix}{name}/"
        is_ignored = ignored(path, f"{name}/", active, folder.ignored)
        if name in _NEVER or f"/{path}".endswith(_NEVER_PATHS):
            return None
        has_tracked = is_ignored and self.is_tracked(path, f"{name}/", folder)
        if is_ignored and not has_tracked and path not in self._include_parents:
            return None
        return replace(folder, prefix=path, ignored=is_ignored, has_tracked=has_tracked)

    def is_tracked(self, path: str, name: str, folder: _Folder) -> bool:
        """Whether git tracks a path in a folder that a .gitignore leaves out. The project's other rules count for it, too."""
        if folder.ignored and not folder.has_tracked:
            return False
        others = (self._exclude, self._include, *self._top_only, _LEFTOVERS)
        return not ignored(path, name, others, False) and self._tracked.has(path)

    def _enter(self, entry: os.DirEntry[str], parent: str, folder: _Folder, active: tuple[Rules, ...]) -> None:
        subfolder = self.subfolder(entry.name, folder, active)
        if subfolder is None:
            return
        name = subfolder.prefix.removesuffix("/")
        _check(entry, name, self.top)
        if _is_private(self._real_path(entry, name, folder)):
            self.secrets.append(name)
            return
        if entry.is_symlink():
            linked_from = folder.linked_from | {os.path.realpath(parent)}
            if _is_loop(entry.path, linked_from):
                return
            subfolder = replace(subfolder, linked_from=linked_from)
        self.collect(entry.path, subfolder)

    def _real_path(self, entry: os.DirEntry[str], name: str, folder: _Folder) -> str:
        """Return where a link has brought what is packed as `name` from, relative to the repository. Without one, `name`."""
        if not (folder.linked_from or entry.is_symlink()):
            return name
        path, root = Path(os.path.realpath(entry.path)), self._root
        return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name

    @cached_property
    def _root(self) -> Path:
        return find_repository(self.top) or self.top

    def _add(self, entry: os.DirEntry[str], name: str, parent: Path, folder: _Folder) -> None:
        if entry.name in RULES or entry.name in _NEVER:  # .git is a file in a worktree and in a submodule
            return
        if name not in self._allowed and _is_secret(entry, name, self._real_path(entry, name, folder)):
            self.secrets.append(name)
            return
        if not _check(entry, name, self.top):  # no program can read it: an editor's lock, a submodule that isn't here
            self.broken_links.append(name)
            return
        try:
            status = entry.stat()
        except FileNotFoundError:  # deleted since the folder was read
            return
        is_file = stat.S_ISREG(status.st_mode)  # sockets and pipes can't be packed
        if is_file and (status.st_dev, status.st_ino) not in self._output:
            path = parent / entry.name
            self.files[name] = SourceFile(path, _is_executable(path, status.st_mode))


def _output_files() -> frozenset[tuple[int, int]]:
    """Return device and inode of the files that this process writes to (`lambent dev > dev.log`): they grow meanwhile."""
    files = set()
    for descriptor in (1, 2):
        with contextlib.suppress(OSError):  # closed
            status = os.fstat(descriptor)
            files.add((status.st_dev, status.st_ino))
    return frozenset(files)


def _is_executable(path: Path, mode: int) -> bool:
    """Whether Lambda may run the file. Windows has no mode for that, so there a script is known by its first line."""
    if not is_windows():
        return bool(mode & 0o100)
    with path.open("rb") as file:
        return file.read(2) == b"#!"


def ignored(path: str, name: str, active: tuple[Rules, ...], default: bool) -> bool:
    """Whether rules, the strongest first, leave out a path whose last part is `name`; `default` if none of them matches."""
    for rules_of_file in active:
        verdict = rules_of_file.verdict(path, name)
        if verdict is not None:
            return verdict
    return default


def _entries(folder: str, prefix: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except FileNotFoundError:
        if prefix:  # deleted since its parent was read
            return []
        raise
    except PermissionError as error:
        name = prefix or folder
        hint = f"chmod +rx {name}, or leave it out: echo '/{name}' >> .lambentignore"
        raise PackagingError(f"no permission to read the folder {name}", where=name, hint=hint) from error


def _read(file: Path, prefix: str) -> Rules:
    try:
        text = file.read_bytes().decode("utf-8", "surrogateescape").removeprefix("\ufeff")
    except OSError:
        return rules((), prefix)
    return rules(text.split("\n"), prefix)


def _is_loop(link: str, linked_from: frozenset[str]) -> bool:
    """Whether a link leads to one of these folders, or to a parent of one: following it would never end."""
    destination = os.path.realpath(link)
    return any(folder == destination or folder.startswith(destination + os.sep) for folder in linked_from)


def _check(entry: os.DirEntry[str], name: str, top: Path) -> bool:
    """Refuse a name that a zip can't hold, and a link that leads outside. Return False for a link that leads nowhere."""
    if not name.isascii():
        try:
            name.encode()
        except UnicodeEncodeError as error:
            shown = os.fsencode(name).decode("utf-8", "backslashreplace")
            hint = "rename the file: file names in a zip are UTF-8"
            raise PackagingError(f"a file name isn't valid UTF-8: {shown}", where=shown, hint=hint) from error
    if not entry.is_symlink():
        return True
    try:
        destination = Path(entry.path).resolve(strict=True)
    except (OSError, RuntimeError):
        return False
    if not destination.is_relative_to(top) and not _is_in_repository(entry, destination, top):
        raise PackagingError(
            f"a link leads out of the project: {name} -> {destination}",
            where=name,
            hint=f"copy what it leads to into the project, or leave it out: echo '/{name}' >> .lambentignore",
        )
    return True


def _is_in_repository(entry: os.DirEntry[str], destination: Path, top: Path) -> bool:
    """Whether a link is the same for all who clone the project's repository: it is relative, and leads to a part of it."""
    repository = find_repository(top)
    is_inside = repository is not None and destination.is_relative_to(repository)
    return is_inside and not Path(entry.path).readlink().is_absolute()


def _is_private(real_path: str) -> bool:
    """Whether a file or folder is in a folder that may hold credentials."""
    return not _PRIVATE.isdisjoint(real_path.split("/")) or any(path in f"/{real_path}/" for path in _NEVER_PATHS)


def _is_secret(entry: os.DirEntry[str], name: str, real_path: str) -> bool:
    if _SECRET.match(real_path.rpartition("/")[2]):
        return not _public(entry)
    if real_path != name and (_is_private(real_path) or f"/{real_path}".endswith(_SECRET_PATHS)):
        return True
    return f"/{name}".endswith(_SECRET_PATHS)


def _public(entry: os.DirEntry[str]) -> bool:
    """Whether a file that is named like a secret holds none: a .pem with certificates only."""
    try:
        text = Path(entry.path).read_bytes() if entry.name.lower().endswith(".pem") else b""
    except OSError:
        return False
    return b"BEGIN CERTIFICATE" in text and b"PRIVATE KEY" not in text
