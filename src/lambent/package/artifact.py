"""The one thing that leaves `package/`: a zip on disk and what is known about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Artifact:
    """A Lambda zip. `sha256` is the base64 form that AWS calls CodeSha256; sizes are in bytes.

    `handler` is what Lambda's Handler must be, and `environment` what the function's environment must hold for this zip to
    run (the exec wrapper of a web app); the deployer merges it under the user's own. `owners` names the package ("numpy 2.4.1")
    of each file that a dependency brought.
    """

    path: Path
    sha256: str
    zipped: int
    raw: int
    files: int
    runtime: str
    architecture: str
    handler: str
    environment: tuple[tuple[str, str], ...] = ()
    owners: Mapping[str, str] = field(default_factory=dict, compare=False)
