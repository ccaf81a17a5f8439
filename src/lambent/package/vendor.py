"""The runtime as files for a zip: ours, or one that any other tool makes."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from lambent.errors import PackagingError, UsageError
from lambent.package.layout import RUNTIME, SourceFile


def runtime_files() -> dict[str, SourceFile]:
    """The files of the runtime by their path in a zip, sorted."""
    folder = Path(__file__).parent.parent / "runtime"
    found = (path for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc")
    return {
        f"{RUNTIME}/{path.relative_to(folder).as_posix()}": SourceFile(path, path.name == "bootstrap") for path in sorted(found)
    }


def vendor(folder: Path) -> tuple[Path, int]:
    """Puts the runtime into `folder` as the package `lambent_runtime`, in place of an earlier one.

    Gives the package's path and the number of its files. Raises UsageError if there is no such folder or something
    else has that name, PackagingError if it cannot be written.
    """
    if not folder.is_dir():
        raise UsageError(f"no such folder: {folder}", where=str(folder), hint=f"mkdir -p {folder}")
    target = folder / RUNTIME
    if target.exists() and not (target / "bootstrap").is_file():
        raise UsageError(f"{target} is there already, and is not ours", where=str(target), hint="rename it")
    try:
        return target, _replace(target)
    except OSError as error:
        text = f"cannot write {target}: {error.strerror or error}"
        raise PackagingError(text, where=str(target), hint="lambent vendor FOLDER, with a folder you may write to") from error


def _replace(target: Path) -> int:
    shipped = runtime_files()
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".lambent-") as temporary:
        for name, file in shipped.items():
            copy = Path(temporary) / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file.path, copy)
            copy.chmod(0o755 if file.executable else 0o644)
        if target.exists():
            target.rename(Path(temporary) / "old")
        (Path(temporary) / RUNTIME).rename(target)
    return len(shipped)
