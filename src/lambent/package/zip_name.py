"""The names of the zips in the build cache: the app, and the start of the digest of the zip's content. Pure."""

from __future__ import annotations

from pathlib import Path

_DIGEST_LENGTH = 16


def zip_path(folder: Path, name: str, digest: bytes) -> Path:
    """Return the path of an app's zip with this SHA-256."""
    return folder / f"{name}-{digest.hex()[:_DIGEST_LENGTH]}.zip"


def other_zip(path: Path, digest: bytes) -> Path:
    """Return the path of another zip of the same app."""
    return zip_path(path.parent, _app(path), digest)


def pattern(path: Path) -> str:
    """Return the pattern of all zips of the same app."""
    return f"{_app(path)}-{'?' * _DIGEST_LENGTH}.zip"


def _app(path: Path) -> str:
    return path.stem[: -_DIGEST_LENGTH - 1]
