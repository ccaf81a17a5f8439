"""Where a project has its infrastructure code: CDK's and Terraform's."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

_DEPTH_MAX = 3
_SKIPPED = frozenset(("node_modules", "venv", "env", "site-packages", "cdk.out", "tests", "test", "build", "dist"))


def infrastructure_files(folder: Path, suffixes: tuple[str, ...]) -> Iterator[Path]:
    """Yield the files with these suffixes where a project may have its infrastructure code."""
    for path, names, files in os.walk(folder):
        relative = Path(path).relative_to(folder)
        names[:] = sorted(name for name in names if not name.startswith(".") and name not in _SKIPPED)
        if len(relative.parts) >= _DEPTH_MAX:
            names.clear()
        yield from (Path(path, file) for file in sorted(files) if file.endswith(suffixes))
