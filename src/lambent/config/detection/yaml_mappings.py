"""YAML as far as the files of other deployment tools need it: nested mappings, without a parser of the whole language."""

from __future__ import annotations

import re
from typing import Any

_LINE = re.compile(r"""^(?P<indent> *(?:- +)?)["']?(?P<key>[\w.:/-]+)["']?\s*:(?:\s+(?P<value>.*))?$""")
_VARIABLE = re.compile(r"\$\{(?P<kind>self|opt|env|sls):(?P<path>[\w.-]+)(?:\s*,\s*['\"]?(?P<default>[\w./:@-]*)['\"]?)?\}")
_ROUNDS_MAX = 4
_COMMENT = re.compile(r"(?:^|\s)#.*$")


def read_mappings(text: str) -> dict[str, Any]:
    """Return the nested mappings of YAML, whose values are mappings or texts.

    A list of mappings becomes one mapping. Other lists and what else there may be are left out.
    """
    top: dict[str, Any] = {}
    open_mappings: list[tuple[int, dict[str, Any]]] = [(-1, top)]
    for line in text.splitlines():
        match = _LINE.match(line.rstrip())
        if match is None:
            continue
        indent = len(match["indent"])
        while open_mappings[-1][0] >= indent:
            open_mappings.pop()
        value = _without_comment(match["value"] or "")
        mapping = open_mappings[-1][1]
        if value:
            mapping[match["key"]] = parse_scalar(value)
        else:
            mapping[match["key"]] = {}
            open_mappings.append((indent, mapping[match["key"]]))
    return top


def with_own_values(mapping: dict[str, Any]) -> dict[str, Any]:
    """Return the mappings of serverless.yml with the values that `${self:custom.name}` stands for, and with defaults.

    What only its command line or its environment knows isn't replaced.
    """
    for _ in range(_ROUNDS_MAX):
        mapping = _substitute(mapping, mapping)
    return mapping


def _substitute(value: Any, top: dict[str, Any]) -> Any:
    if isinstance(value, dict):
        return {key: _substitute(each, top) for key, each in value.items()}
    return _VARIABLE.sub(lambda match: _value_of(match, top), value)


def _value_of(match: re.Match[str], top: dict[str, Any]) -> str:
    *parents, last = match["path"].split(".")
    own = text_at(mapping_at(top, *parents), last) if match["kind"] == "self" else ""
    stage = "dev" if match[0].startswith("${sls:stage") else ""  # the default of its command line
    default = match["default"] or ""
    return own or (f"${{{default}}}" if ":" in default else default) or stage or match[0]


def parse_scalar(text: str) -> str:
    """Return the text of a value on one line, without its quotes and its comment."""
    return _without_comment(text).strip("\"'")


def _without_comment(text: str) -> str:
    return _COMMENT.sub("", text).strip()


def mapping_at(mapping: Any, *keys: str) -> dict[str, Any]:
    """Return the mapping below these keys, empty if there is none."""
    for key in keys:
        mapping = mapping.get(key) if isinstance(mapping, dict) else None
    return mapping if isinstance(mapping, dict) else {}


def text_at(mapping: Any, key: str) -> str:
    """Return the text of a key, "" if it has none."""
    value = mapping.get(key) if isinstance(mapping, dict) else None
    return value if isinstance(value, str) else ""
