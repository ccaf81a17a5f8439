"""What lambent's runtime logs when a process crashes or its time is nearly over: a dump of Python's faulthandler. Pure.

https://docs.python.org/3/library/faulthandler.html. A dump has a line for each call, the last one first, of each thread: the
main thread comes last. The calls of tasks, which faulthandler doesn't know, are in the same form.
"""

from __future__ import annotations

import re
from collections.abc import Callable

_DUMP = re.compile(
    r"^(?:Fatal Python error: .*|Timeout \(\d+:\d\d:\d\d(?:\.\d+)?\)!"
    r"|lambent: (?:os\._exit\(-?\d+\) ends the process|the memory is nearly used up|the event loop waits))\n"
    r"(?:[ \t]*\n|(?:Current t|T)hread .*\n|Stack .*\n|Task .*\n|  .*\n)*",
    re.MULTILINE,
)
_THREAD = re.compile(r"^(?:(?:Current t|T)hread|Stack|Task) ", re.MULTILINE)
_CALL = re.compile(r'^  File "(?:/var/task|/tmp/app)/([^"]+)", line (\d+)', re.MULTILINE)


def find_dump(log: str) -> str:
    """Return the last dump in a log, or ""."""
    dumps = _DUMP.findall(log + "\n")
    return str(dumps[-1]).rstrip() if dumps else ""


def last_position(log: str, is_own: Callable[[str], bool]) -> str:
    """Return where the app's own code is in the last dump that has it ("main.py, line 6"), or "".

    `is_own` takes the path in the zip.
    """
    for thread in reversed(_THREAD.split("".join(_DUMP.findall(log + "\n")))):
        for path, line in _CALL.findall(thread):
            if is_own(path):
                return f"{path}, line {line}"
    return ""
