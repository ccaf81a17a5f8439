"""YAML as far as the files of other deployment tools need it: nested mappings, without a parser of the whole language."""

from __future__ import annotations

import re
from typing import Any

_LINE = re.compile(r"""^(?P<indent> *(?:- +)?)["']?(?P<key>[\w.:/-]+)["']?\s*:(?:\s+(?P<value>.*))?$""")
_VARIABLE = re.compile(r"\$\{(?P<kind>self|opt|env|sls):(?P<path>[\w.-]+)(?:\s*,\s*['\"]?(?P<default>[\w./:@-]*)['\"]?)?\}")
_ROUNDS_MAX = 4
_FLOW_PAIR = re.compile(
    r"""["']?(?P<key>[\w.:/-]+)["']?\s*:\s+(?P<value>'[^']*'|"[^"]*"|\{(?:[^{}'"]|'[^']*'|"[^"]*"|\{[^{}]*\})*\}|[^,{}]*)"""
)
_COMMENT = re.compile(r"(?:^|\s)#.*$")


class Mapping(dict[str, Any]):
    """A mapping of YAML. If it stands for a list of mappings, it has what all of them have, and `entries` has each."""

    def __init__(self) -> None:
        super().__init__()
        self.entries: list[dict[str, Any]] = []

    def add(self, key: str, value: Any, *, starts_entry: bool) -> None:
        """Set a key, in the entry of the list that it starts or belongs to as well."""
        self[key] = value
        if starts_entry:
            self.entries.append({})
        if self.entries:
            self.entries[-1][key] = value


def read_mappings(text: str) -> dict[str, Any]:
    """Return the nested mappings of YAML, whose values are mappings or texts.

    A list of mappings becomes one `Mapping`. Other lists and what else there may be are left out.
    """
    top = Mapping()
    open_mappings: list[tuple[int, Mapping]] = [(-1, top)]
    for line in text.splitlines():
        match = _LINE.match(line.rstrip())
        if match is None:
            continue
        indent = len(match["indent"])
        while open_mappings[-1][0] >= indent:
            open_mappings.pop()
        value = _without_comment(match["value"] or "")
        inner = _flow_mapping(value)
        scalar = parse_scalar(value) if value and inner is None else None
        below = Mapping() if inner is None else inner
        open_mappings[-1][1].add(match["key"], below if scalar is None else scalar, starts_entry="-" in match["indent"])
        if not value:
            open_mappings.append((indent, below))
    return top


def entries_at(mapping: Any, key: str) -> list[dict[str, Any]]:
    """Return the mappings of the list that a key has, or the only one."""
    below = mapping_at(mapping, key)
    return (below.entries if isinstance(below, Mapping) else []) or ([below] if below else [])


def _flow_mapping(text: str) -> Mapping | None:
    """Return the mapping of `{Path: /hello, Method: get}`, None for anything else."""
    if not (text.startswith("{") and text.endswith("}")):
        return None
    mapping = Mapping()
    for pair in _FLOW_PAIR.finditer(text[1:-1]):
        inner = _flow_mapping(pair["value"])
        mapping.add(pair["key"], parse_scalar(pair["value"]) if inner is None else inner, starts_entry=False)
    return mapping


def with_own_values(mapping: dict[str, Any]) -> dict[str, Any]:
    """Return the mappings of serverless.yml with the values that `${self:custom.name}` stands for, and with defaults.

    What only its command line or its environment knows isn't replaced.
    """
    for _ in range(_ROUNDS_MAX):
        mapping = _substitute(mapping, mapping)
    return mapping


def _substitute(value: Any, top: dict[str, Any]) -> Any:
    if isinstance(value, Mapping):
        mapping = Mapping()
        mapping.update((key, _substitute(each, top)) for key, each in value.items())
        mapping.entries = [{key: _substitute(each, top) for key, each in entry.items()} for entry in value.entries]
        return mapping
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
