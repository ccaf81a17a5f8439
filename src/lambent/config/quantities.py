"""Sizes and times as people type them: 512, "512MB", "1 GB", "30s", "5m", "1h30m". Each becomes a whole number of one unit."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

from msgspec import Struct

from lambent.config.settings import RawSetting

_PART = r"(\d+(?:\.\d+)?)\s*([a-z]*)"


class Quantity(Struct, frozen=True):
    """A kind of number: its name and that of its unit, what else may follow a number (in that unit), and two examples."""

    name: str
    unit: str
    units: Mapping[str, int]
    examples: str

    def parse(self, value: Any) -> Fraction | None:
        """Return the value in the unit, or None if it isn't a quantity of this kind."""
        text = str(value).strip().lower()
        parts = re.findall(_PART, text)
        if isinstance(value, bool) or not re.fullmatch(rf"(?:{_PART}\s*)+", text):
            return None
        if not all(unit in self.units or (unit == "" and len(parts) == 1) for _, unit in parts):
            return None
        return sum((Fraction(number) * self.units.get(unit, 1) for number, unit in parts), Fraction())


MEGABYTES = Quantity(
    "size",
    "MB",
    dict.fromkeys(("mb", "m", "mib"), 1) | dict.fromkeys(("gb", "g", "gib"), 1024) | dict.fromkeys(("tb", "t", "tib"), 1024**2),
    "512MB or 1GB",
)
"""AWS's MB, of which 1024 are a GB."""
SECONDS = Quantity(
    "time",
    "seconds",
    dict.fromkeys(("s", "sec", "second", "seconds"), 1)
    | dict.fromkeys(("m", "min", "minute", "minutes"), 60)
    | dict.fromkeys(("h", "hour", "hours"), 3600)
    | dict.fromkeys(("d", "day", "days"), 86400),
    "30s or 5m",
)


def quantity_parser(quantity: Quantity, low: int, high: int) -> Callable[[RawSetting], int]:
    """Return a parser for a quantity between `low` and `high` of its unit."""

    def parse(setting: RawSetting) -> int:
        number = quantity.parse(setting.value)
        if number is None or number.denominator != 1:
            what = f"{setting.key} must be a {quantity.name} such as {quantity.examples}, got {setting.value!r}"
            raise setting.refuse(what, str(low))
        if not low <= number <= high:
            typed = f"{setting.value}" if str(setting.value).strip().isdigit() else f"{setting.value} ({number})"
            message = f"{setting.key} must be between {low} and {high} {quantity.unit}, got {typed}"
            raise setting.refuse(message, str(low if number < low else high))
        return int(number)

    return parse
