"""The git commit that a project is at, and whether its files differ from it. Asks git, and knows nothing without it."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from datetime import date
from pathlib import Path

from lambent.config.provenance import Provenance
from lambent.package import password_urls, secret_scan

_CODE = ("*.py", "*requirements*.txt")
_SECONDS = 5
"""A status takes longer only in very large repositories; then the version has no commit."""


def read_commit(folder: Path, environ: Mapping[str, str]) -> Provenance:
    """Return the commit of the folder's repository. `dirty` is about this folder alone, which is what the zip has."""
    head = _git(folder, environ, "log", "-1", "--no-show-signature", "--format=%h%x00%s")
    commit, _, subject = (head or "").strip().partition("\0")
    status = _git(folder, environ, "status", "--porcelain", "--", ".") if commit else None
    if status is None:
        return Provenance()
    return Provenance(commit, bool(status.strip()), "" if _has_secret(subject) else subject)


def last_change(folder: Path, environ: Mapping[str, str]) -> date | None:
    """Return the day of the last commit that changed code or requirements in a folder, or None if git knows none."""
    day = _git(folder, environ, "log", "-1", "--no-show-signature", "--format=%cs", "--", *_CODE)
    return date.fromisoformat(day.strip()) if day and day.strip() else None


def _has_secret(text: str) -> bool:
    """Whether a message holds a secret, which then isn't copied to where more people see it."""
    data = text.encode()
    return any(True for _ in secret_scan.scan("", data)) or any(True for _ in password_urls.starts(data))


def _git(folder: Path, environ: Mapping[str, str], *arguments: str) -> str | None:
    """Return what git prints, or None if it fails or isn't there."""
    command = ["git", "-C", str(folder), *arguments]
    quiet = {**environ, "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C.UTF-8"}  # no write to the user's index
    try:
        done = subprocess.run(command, env=quiet, capture_output=True, timeout=_SECONDS, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.decode("utf-8", "replace")
