"""The runtime as plain files, for our zips and for those that other tools make."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from lambent.errors import PackagingError, UsageError
from lambent.package.layout import RUNTIME, SourceFile


def runtime_files() -> dict[str, SourceFile]:
    """Return the files of the runtime by their path in a zip, sorted."""
    folder = Path(__file__).parent.parent / "runtime"
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc")
    return {f"{RUNTIME}/{path.relative_to(folder).as_posix()}": SourceFile(path, path.name == "bootstrap") for path in paths}


def vendor(folder: Path) -> tuple[Path, int]:
    """Copy the runtime into `folder` as the package `lambent_runtime`, in place of an earlier copy.

    Returns the package's path and the number of its files. Raises UsageError if the folder doesn't exist or something else has
    the package's name, PackagingError if it can't be written.
    """
    if not folder.is_dir():
        raise UsageError(f"no such folder: {folder}", where=str(folder), hint=f"mkdir -p {folder}")
    package = folder / RUNTIME
    if package.exists() and not (package / "bootstrap").is_file():
        raise UsageError(f"{package} exists, and isn't a copy of lambent's runtime", where=str(package), hint="rename it")
    try:
        return package, _replace(package)
    except OSError as error:
        text = f"cannot write {package}: {error.strerror or error}"
        raise PackagingError(
            text, where=str(package), hint="use a folder that you can write to: lambent vendor FOLDER"
        ) from error


def _replace(package: Path) -> int:
    files = runtime_files()
    with tempfile.TemporaryDirectory(dir=package.parent, prefix=".lambent-") as temporary:
        for name, file in files.items():
            copy = Path(temporary) / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file.path, copy)
            copy.chmod(0o755 if file.executable else 0o644)
        if package.exists():
            package.rename(Path(temporary) / "old")
        (Path(temporary) / RUNTIME).rename(package)
    return len(files)
