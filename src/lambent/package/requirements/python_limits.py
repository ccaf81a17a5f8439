"""Releases that can't be imported on later Pythons, although their metadata and their wheels allow every Python.

For each row the import was tried: it fails on the Python that the row names, and works on the one before and with the next
release. Raise the format in `runtime_choice.py` when a row changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import Struct
from packaging.version import InvalidVersion, Version

from lambent.package.lock import Pin
from lambent.package.unfit import Blocker, pythons_before


class PythonLimit(Struct, frozen=True):
    """Releases of `name` from `first` and before `fixed` need a Python before `python`, if `user` (any, if "") uses them."""

    name: str
    first: str
    fixed: str
    python: str
    user: str = ""

    def holds_for(self, pin: Pin) -> bool:
        try:
            return pin.name == self.name and Version(self.first) <= Version(pin.version) < Version(self.fixed)
        except InvalidVersion:  # a folder or a commit may have none yet
            return False


_LIMITS = tuple(
    PythonLimit(*row.split())
    for row in (
        "pydantic 1.0 1.10 3.11 fastapi",  # a field of FastAPI's is called "not", which inspect.Parameter refuses
        "pydantic 1.0 1.10.16 3.12",  # ForwardRef._evaluate(), of which 3.12.4 changed the arguments
        "six 1.0 1.16 3.12",  # its import hook for six.moves has no find_spec
        "sqlalchemy 2.0 2.0.31 3.13",  # __firstlineno__ and __static_attributes__ of classes
        "typing-extensions 3.0 4.6 3.12",  # inherits from typing.TypeVar
    )
)


def python_blockers(pins: Iterable[Pin], python: str) -> Iterator[Blocker]:
    """Yield the packages that can't be imported on a Python, such as "3.13"."""
    pins = tuple(pins)
    names = {"", *(pin.name for pin in pins)}
    for pin in pins:
        for limit in _LIMITS:
            if limit.user in names and limit.holds_for(pin) and python not in pythons_before(limit.python):
                reason = f"can't be imported on Python {limit.python} and later"
                yield Blocker(pin.name, pin.version, reason, pythons_before(limit.python), pin.requested)
