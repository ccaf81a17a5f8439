"""The variables of functions that become one app, where they differ: each function gets those of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lambent.config.detection.declared_function import DeclaredFunction
from lambent.config.model import Pairs
from lambent.config.variables.harmless import is_harmless


def own_variables(function: DeclaredFunction, functions: Sequence[DeclaredFunction]) -> Pairs:
    """Return the variables that not all of these functions have alike, and whose values lambent may set."""
    differing, unknown = set(_differing(functions)), set(unknown_variables(functions))
    usable = ((name, value) for name, value in function.variables if is_harmless(name, value, deployed=True))
    return tuple((name, value) for name, value in usable if name in differing - unknown)


def unknown_variables(functions: Sequence[DeclaredFunction]) -> list[str]:
    """Return the names whose values differ from function to function, one of which only AWS or the user knows."""
    return [name for name in _differing(functions) if not _has_plain_values(name, functions)]


def _has_plain_values(name: str, functions: Sequence[DeclaredFunction]) -> bool:
    """Return whether lambent may set each value of a variable, or if there is only one, whatever it is."""
    values = {_value(function, name) for function in functions} - {""}
    computed = any(name in dict(function.computed) for function in functions)
    return len(values) < 2 or (not computed and all(is_harmless(name, value, deployed=True) for value in values))


def _differing(functions: Sequence[DeclaredFunction]) -> Iterator[str]:
    names = dict.fromkeys(name for function in functions for name, _ in (*function.variables, *function.computed))
    yield from (name for name in names if len({_value(function, name) for function in functions}) > 1)


def _value(function: DeclaredFunction, name: str) -> str:
    """Return the value of a function's variable, or the text that stands for it. "" for none."""
    return {**dict(function.computed), **dict(function.variables)}.get(name, "")
