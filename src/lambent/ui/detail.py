"""How much a command shows: a summary, every step (`--verbose`), or only its result (`--quiet`).

Every command imports this, and so does `--help`: it imports little.
"""

from __future__ import annotations

from typing import Literal

import click

Detail = Literal["summary", "steps", "result"]

DETAIL = "lambent.ui.detail"
"""Where the context of a command has the `Detail` that its command line asks for."""


def chosen_detail() -> Detail:
    """Return how much the running command shows."""
    context = click.get_current_context(silent=True)
    detail: Detail = context.meta.get(DETAIL, "summary") if context else "summary"
    return detail
