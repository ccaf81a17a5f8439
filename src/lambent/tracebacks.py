"""Tracebacks of deployed apps, as people read them on their own machine."""

from __future__ import annotations

import re

_CODE = re.compile(r"""(\bFile "|\bfrom '[\w.]+' \(|\brenaming ')(?:/var/task|/tmp/app)/""")
"""In a frame, and in Python's own "cannot import name 'x' from 'y' (/var/task/y.py)"."""


def relative_frames(text: str) -> str:
    """Make the paths of an app's own code relative to the project, so that a terminal or an editor can open them."""
    return _CODE.sub(r"\1", text)
