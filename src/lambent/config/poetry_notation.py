"""Poetry's notation for version ranges: "^3.9", "~1.2", ">=3.8 <4 || 5.*"."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lambent.lazy import LazyModule

if TYPE_CHECKING:
    from packaging import specifiers
else:
    specifiers = LazyModule("packaging.specifiers")  # slow to import, and few projects need it

_ALTERNATIVES = re.compile(r"\|\|?")


def allows(constraint: str, version: str) -> bool:
    """Return whether a constraint in Poetry's notation allows a version. One that can't be read allows all."""
    try:
        return any(
            specifiers.SpecifierSet(to_specifier(part)).contains(version, prereleases=True)
            for part in _ALTERNATIVES.split(constraint)
        )
    except specifiers.InvalidSpecifier:
        return True


def newest_alternative(constraint: str) -> str:
    """Return the one of the alternatives ("^1 || ^2") with the newest versions, in whatever order they are."""
    return max(_ALTERNATIVES.split(constraint), key=lambda part: [int(number) for number in re.findall(r"\d+", part)[:3]])


def to_specifier(constraint: str) -> str:
    """Translate one alternative of Poetry's notation: "^1.2" is ">=1.2,<2", "~1.2" is ">=1.2,<1.3"."""
    parts = []
    for part in re.split(r"[,\s]+(?=[\^~<>=!\d*])", constraint.strip()):
        word = re.sub(r"\s+", "", part)
        if word in ("", "*"):
            continue
        caret = re.match(r"(\^|~(?!=))([\d.]+)(.*)", word)
        if caret:
            numbers = [int(number) for number in caret[2].split(".") if number]
            raised = min(1, len(numbers) - 1)
            if caret[1] == "^":
                raised = next((index for index, number in enumerate(numbers) if number), len(numbers) - 1)
            upper = [*numbers[:raised], numbers[raised] + 1]
            parts += [f">={caret[2]}{caret[3]}", f"<{'.'.join(map(str, upper))}"]
        else:
            parts.append(word if word[0] in "<>=!~" else f"=={word}")
    return ",".join(parts)
