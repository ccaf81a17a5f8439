"""Where and when something was measured, as lines of a page."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path


def circumstances(load: tuple[float, float, float], more: list[str]) -> str:
    """A list in Markdown. `load` is the machine's load average before the first round."""
    lines = [
        f"date: {datetime.now(UTC):%Y-%m-%d %H:%M} UTC, lambent at {_revision()}",
        f"machine: {os.cpu_count()} x {_processor()}, Linux {platform.release()}, {platform.machine()}",
        f"load average before the first round: {load[0]:.1f}, {load[1]:.1f}, {load[2]:.1f} (1, 5, 15 minutes)",
        *more,
    ]
    return "".join(f"- {line}\n" for line in lines)


def _processor() -> str:
    match = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return match[1] if match else platform.processor() or "unknown processor"


def _revision() -> str:
    result = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True)
    return result.stdout.strip() or "an unknown revision"
