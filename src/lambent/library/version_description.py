"""The description of the versions that this machine publishes: the commit, and who deploys from where."""

from __future__ import annotations

import getpass
import os
import platform
from pathlib import Path

from msgspec.structs import replace

from lambent.config.provenance import deployer, describe
from lambent.package.git_commit import read_commit


def describe_version(folder: Path) -> str:
    """Return the description of a version that is made from a folder's files."""
    return describe(replace(read_commit(folder, os.environ), by=deployed_by()))


def deployed_by() -> str:
    """Return who runs this command, and where."""
    try:
        user = getpass.getuser()
    except (OSError, KeyError, ImportError):  # a user without a name, as in some containers and Windows services
        user = f"uid {os.getuid()}" if hasattr(os, "getuid") else "a user without a name"
    return deployer(os.environ, user, platform.node())
