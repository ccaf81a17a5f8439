"""Paths of API Gateway's resources, such as /items/{id} and /files/{proxy+}, and the order in which they are tried."""

from __future__ import annotations

import re
from functools import lru_cache

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

_PARAMETER = re.compile(r"\{([^{}+]+)(\+?)\}")


def most_specific_first(paths: Iterable[str]) -> list[str]:
    """Sort paths as API Gateway chooses: no parameters before some, those before a rest of a path, and longer rests last."""
    return sorted(paths, key=lambda path: ("+}" in path, -path.count("/") if "+}" in path else path.count("{"), path))


def match(path: str, requested: str) -> dict[str, str] | None:
    """Return the values of the parameters of a path that matches a requested one, with or without a slash at its end."""
    pattern, names = _compile(path)
    matched = pattern.fullmatch(requested) or pattern.fullmatch(requested.rstrip("/"))
    return {name: matched[index] for index, name in enumerate(names, 1)} if matched else None


@lru_cache(maxsize=512)
def _compile(path: str) -> tuple[re.Pattern[str], list[str]]:
    """Return the pattern of a path, with a group for each parameter, and the parameters' names."""
    names, text, end = [], "", 0
    for parameter in _PARAMETER.finditer(path):
        names.append(parameter[1])
        text += re.escape(path[end : parameter.start()]) + ("(.+)" if parameter[2] else "([^/]+)")
        end = parameter.end()
    return re.compile(text + re.escape(path[end:])), names
