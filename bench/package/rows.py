"""The table: what is measured, and the bars for it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from . import situations, start
from .contenders import MACHINES
from .model import BARE, PIP, UV, Bars, Row, Samples

_TITLES = {"datasette": "Datasette", "pandas": "FastAPI + pandas + numpy + pydantic"}
_SIZES = {"datasette": 0.40, "pandas": 0.70}
_APPS = {"fastapi": "FastAPI", "flask": "Flask", "django": "Django", "datasette": "Datasette"}


def _title(of: str, machine: str) -> str:
    more = " + pysqlite3-binary" if (of, machine) == ("datasette", "x86_64") else ""
    return f"{_TITLES[of]}{more}, {machine}"


def _build(name: str, title: str, measure: Callable[..., Samples], bars: Bars, of: str, machine: str) -> Row:
    return Row(
        f"{name}/{of}-{machine}", f"{title}: {_title(of, machine)}", "s CPU", partial(measure, of=of, machine=machine), bars
    )


def _builds() -> list[Row]:
    kinds = (
        ("rebuild", "rebuild, only the app changed", situations.rebuild, Bars(0.35, {UV: 1 / 4})),
        ("fetched", "wheels fetched, nothing else cached", situations.fetched, Bars(None, {UV: 1.5, PIP: 1 / 4})),
        ("cold", "cold, everything fetched", situations.cold, Bars(None, {PIP: 1 / 3})),
    )
    return [_build(*kind, of, machine) for kind in kinds for of in _TITLES for machine in MACHINES]


def _sizes() -> list[Row]:
    return [
        Row(
            f"size/{of}-{machine}",
            f"size of the zip: {_title(of, machine)}",
            "MB",
            partial(situations.size, of=of, machine=machine),
            Bars(None, {PIP: bar}),
        )
        for of, bar in _SIZES.items()
        for machine in MACHINES
    ]


def rows(machine: str) -> tuple[Row, ...]:
    """All rows. `machine` is this one's: apps can be started on it alone."""
    starts = [
        Row(
            f"import/{of}",
            f"import of {title} in the local Lambda",
            "s CPU",
            partial(start.importing, of=of, machine=machine),
            Bars(None, {BARE: 0.55}),
        )
        for of, title in _APPS.items()
    ]
    checks = [
        Row(
            f"check/{machine}",
            f"checking every shared object: {_title('pandas', machine)}",
            "s CPU",
            partial(situations.checked, of="pandas", machine=machine),
            Bars(0.15),
        )
        for machine in MACHINES
    ]
    memory = Row(
        "memory",
        "peak memory, wheels fetched: 250 MB of scikit-learn, pandas, Pillow, x86_64",
        "MB",
        partial(situations.memory, of="large", machine="x86_64"),
        Bars(300),
    )
    return (*_builds(), *_sizes(), *starts, *checks, memory)
