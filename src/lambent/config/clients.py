"""Which client of Lambda's Runtime API runs the app: lambent's loop in the zip, or AWS's own."""

from __future__ import annotations

from lambent.config.model import RuntimeClient
from lambent.config.settings import Given, Settings
from lambent.errors import UsageError


def asked(settings: Settings, origins: dict[str, str]) -> RuntimeClient | None:
    """The client that was asked for, if one was. Raises UsageError for one that there is not."""
    given = settings.text("runtime_client")
    origins["runtime_client"] = given.origin if given else "default"
    if given is None:
        return None
    if given.value not in ("lambent", "aws"):
        raise given.refuse(f"runtime_client must be lambent or aws, got {given.value}", "lambent")
    return "aws" if given.value == "aws" else "lambent"


def check_stream(client: RuntimeClient | None, stream: Given, origins: dict[str, str]) -> None:
    """AWS's client posts an answer in one piece. Raises UsageError where both are asked for."""
    if stream.value and client == "aws":
        raise UsageError(
            "AWS's own client cannot stream",
            where=f"{stream.origin} and {origins['runtime_client']}",
            hint='leave stream out, or runtime_client = "lambent"',
        )
