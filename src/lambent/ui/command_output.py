"""The output of a command that runs elsewhere, byte for byte: it is the user's own command, and may draw progress bars."""

from __future__ import annotations

import sys

from lambent.log_events import CommandOutput


def write(output: CommandOutput) -> None:
    stream = sys.stderr if output.stream == "stderr" else sys.stdout
    stream.flush()
    stream.buffer.write(output.text.encode("utf-8", "surrogateescape"))
    stream.buffer.flush()
