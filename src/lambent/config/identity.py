"""What identifies a project wherever it is checked out, so that another one of the same name doesn't replace its app.

It is written into a tag in AWS, so it has only letters, digits and `_.:/=+-@`, and neither credentials nor a user's name.
"""

from __future__ import annotations

import os
import platform
import re
import sys
from collections.abc import Iterator
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from lambent import atomic
from lambent.lazy import LazyModule

if TYPE_CHECKING:
    import platformdirs
else:
    platformdirs = LazyModule("platformdirs")  # few machines need it

FOLDER = "folder:"
"""What an identity begins with that is only a place on a machine. One below the home folder begins with "folder:home/"."""

_LENGTH_MAX = 256  # of a tag's value
_DIGITS = 8
_MACHINE_IDS = (Path("/etc/machine-id"), Path("/var/lib/dbus/machine-id"))  # systemd asks not to show the ID itself
_CONTAINERS = (Path("/.dockerenv"), Path("/run/.containerenv"))  # the files by which Docker and Podman are known
_SECTION = re.compile(r'\s*\[remote "(?P<name>.+)"\]')
_URL = re.compile(r"\s*url\s*=\s*(?P<url>\S+)")
_REMOTE = re.compile(r"(?:\w+://)?(?:[^@/]+@)?(?P<host>[^/:]+)(?::\d+(?=/))?[:/]+(?P<path>.+?)(?:\.git)?/*")


def project_identities(path: Path) -> tuple[str, ...]:
    """Return the identities of the project at `path`, strongest first: its repository's remotes, then its folder.

    A folder alone identifies a project that has no remote, and one that was deployed before it had one.
    """
    root = find_repository(path)
    if root is None:
        return _folders(path)
    inside = path.relative_to(root).as_posix()
    repository = _repository(root)
    remotes = sorted(_remotes(repository / "config"), key=_is_other)
    checkout = repository.parent if repository.name == ".git" else root
    identities = [_join(_normalize(url), inside) for _, url in remotes]
    return tuple(dict.fromkeys((*identities, *_folders(checkout / inside))))


def find_repository(path: Path) -> Path | None:
    """Return the top folder of the repository that a path is in, or None."""
    return next((folder for folder in (path, *path.parents) if (folder / ".git").exists()), None)


def github_repository(root: Path) -> tuple[str, str]:
    """Return "owner/name" on github.com of the repository at `root`, and its branch. "" for what is unknown."""
    repository = _repository(root)
    matches = (_REMOTE.fullmatch(url) for _, url in sorted(_remotes(repository / "config"), key=_is_other))
    names = (match["path"].lstrip("/") for match in matches if match and match["host"].lower() == "github.com")
    head = _read(_work_tree(root) / "HEAD").strip()
    return next(names, ""), head.removeprefix("ref: refs/heads/") if head.startswith("ref:") else ""


def _is_other(remote: tuple[str, str]) -> bool:
    """Whether a remote isn't "origin", which comes first."""
    return remote[0] != "origin"


def _work_tree(root: Path) -> Path:
    """Return the folder with what git knows of the work tree at `root`, such as its branch."""
    git = root / ".git"
    return git if git.is_dir() else root / _read(git).removeprefix("gitdir:").strip()


def _repository(root: Path) -> Path:
    """Return the folder with the repository's configuration, which the work trees of a repository share."""
    folder = _work_tree(root)
    return folder if folder == root / ".git" else (folder / _read(folder / "commondir").strip()).resolve()


def _remotes(config: Path) -> Iterator[tuple[str, str]]:
    """Yield the name and the URL of each remote."""
    name = ""
    for line in _read(config).splitlines():
        if line.lstrip().startswith("["):
            match = _SECTION.match(line)
            name = match["name"] if match else ""
        elif name and (match := _URL.match(line)):
            yield name, match["url"]


def _read(file: Path) -> str:
    try:
        return file.read_text("utf-8-sig", "replace")
    except OSError:
        return ""


def _normalize(url: str) -> str:
    """Return the same text for the HTTPS and SSH forms of a URL. A remote may also be a folder."""
    match = _REMOTE.fullmatch(url)
    if match is None or url.startswith(("/", ".", "file:")):
        return _folder(Path(url.removeprefix("file://").removesuffix("/").removesuffix("/.git")))
    return _as_tag(f"{match['host']}/{match['path'].lstrip('/')}".lower())


def _join(repository: str, inside: str) -> str:
    return repository if inside == "." else _as_tag(f"{repository}//{inside}")


def _folders(path: Path) -> tuple[str, ...]:
    """Return the identities of a folder: with this machine, and without if lambent has made up the machine's ID.

    The latter is what the folder was called before the machine had an ID.
    """
    return (_folder(path),) if _machine_id() else tuple(dict.fromkeys((_folder(path), _location(path))))


def _folder(path: Path) -> str:
    name = _machine_id() or _own_id()
    machine = f"@{sha256(f'lambent {name}'.encode()).hexdigest()[:_DIGITS]}" if name else ""
    return _location(path) + machine


def _location(path: Path) -> str:
    home = Path.home()
    location = f"home/{path.relative_to(home).as_posix()}" if path.is_relative_to(home) else path.as_posix()
    return _as_tag(FOLDER + location)


def _machine_id() -> str:
    """Return the system's ID of this machine, "" for a Linux without systemd and dbus. Containers have none."""
    ids = (_read(file).strip() for file in _MACHINE_IDS)
    return next(filter(None, ids), "" if sys.platform == "linux" else platform.node())


def _own_id() -> str:
    """Return an ID that lambent makes up and keeps, "" in a container, with which it would end, or if it can't be kept."""
    if any(file.exists() for file in _CONTAINERS):
        return ""
    file = platformdirs.user_state_path("lambent") / "machine-id"
    if not _read(file):
        with suppress(OSError):
            atomic.write_bytes(file, os.urandom(16).hex().encode(), mode=0o600)
    return _read(file)


def _as_tag(text: str) -> str:
    """Return the text with only what a tag may have. What that loses is replaced by a digest."""
    clean = re.sub(r"[^\w.:/=+\-@]", "-", text)
    if clean == text and len(text) < _LENGTH_MAX - _DIGITS:  # a machine's digest may follow
        return text
    return f"{clean[: _LENGTH_MAX - 2 * _DIGITS]}-{sha256(text.encode()).hexdigest()[:_DIGITS]}"
