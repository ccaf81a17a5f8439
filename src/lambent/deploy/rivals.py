"""Another deploy of the same app, at the same time: one wins, and the other says so."""

from __future__ import annotations

from lambent.errors import DeployError


def overtaken(name: str, what: str) -> DeployError:
    return DeployError(
        f"another deploy of {name} {what}",
        where=name,
        hint="that one goes on undisturbed; to have yours live, run the same command again",
    )
