"""Values that the tests of deployment/ share: a small zip, a configuration, and an `Aws` with hooks."""

from __future__ import annotations

import base64
import hashlib
import io
import threading
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lambent.aws.interface import Aws
from lambent.config.model import App, Config
from lambent.package.artifact import Artifact


def artifact(folder: Path, text: str, *, handler: str = "main.lambda_handler", runtime: str = "python3.13") -> Artifact:
    """Return a zip with this text as main.py. The same text gives the same bytes."""
    path = folder / f"{hashlib.sha256(text.encode()).hexdigest()[:12]}.zip"
    member = zipfile.ZipInfo("main.py", date_time=(1980, 1, 1, 0, 0, 0))
    member.external_attr = 0o644 << 16
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(member, text)
    data = packed.getvalue()
    fresh = path.with_suffix(f".{threading.get_ident()}")  # simultaneous deploys share the folder
    fresh.write_bytes(data)
    fresh.replace(path)
    digest = base64.b64encode(hashlib.sha256(data).digest()).decode()
    return Artifact(path, digest, len(data), len(text), 1, runtime, "x86_64", handler)


def config(path: Path, name: str = "hello", **changes: Any) -> Config:
    base: dict[str, Any] = {"app": App("main", "lambda_handler", "handler"), "runtime": "python3.13"}
    return Config(path, name, **{**base, **changes})


Hook = Callable[[str, int], None]


class HookedAws:
    """Wraps an `Aws`, and calls a hook before and after each call, with its name and its number from 1. A hook may raise."""

    def __init__(self, aws: Aws, before: Hook | None = None, after: Hook | None = None) -> None:
        self._aws = aws
        self._before = before
        self._after = after
        self.calls: list[str] = []

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._aws, name)
        if name == "region":
            return method

        def call(*args: Any, **kwargs: Any) -> Any:
            self.calls.append(name)
            number = len(self.calls)
            if self._before:
                self._before(name, number)
            answer = method(*args, **kwargs)
            if self._after:
                self._after(name, number)
            return answer

        return call


READS = {
    *("account", "role", "attached_policies", "inline_policies", "inline_policy", "log_group"),
    *("function", "aliases", "statements", "url", "provisioned", "versions"),
}
