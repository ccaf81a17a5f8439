"""YAML as far as the files of other deployment tools need it: nested mappings, without a parser of the whole language."""

from __future__ import annotations

import re
from collections import deque
from functools import lru_cache
from typing import Any

_LINE = re.compile(r"""^(?P<indent> *(?:- +)?)["']?(?P<key>[\w.:/-]+)["']?\s*:(?:\s+(?P<value>.*))?$""")
_VARIABLE = re.compile(r"\$\{(?P<kind>self|opt|env|sls):(?P<path>[\w.-]+)(?:\s*,\s*['\"]?(?P<default>[\w./:@-]*)['\"]?)?\}")
_STAGES = ("sls:stage", "self:provider.stage")
"""Variables that are "dev" unless the file or a command line says another stage."""
_ITEM = re.compile(r"^(?P<indent> *- +)(?P<value>\S.*)$")
_ROUNDS_MAX = 4
_PAIR = re.compile(r"""["']?(?P<key>[\w.:/-]+)(?:["']\s*:\s*|\s*:\s+)(?P<value>.*)""", re.DOTALL)
_FLOW_TOKEN = re.compile(r"""'[^']*'|"(?:[^"\\]|\\.)*"|[\[\]{},]""", re.DOTALL)
_DEPTHS = {"[": 1, "{": 1, "]": -1, "}": -1}
_DEPTH_MAX = 20
_COMMENT = re.compile(r"(?:^|\s)#.*$")


class Mapping(dict[str, Any]):
    """A mapping of YAML. If it stands for a list of mappings, it has what all of them have, and `entries` has each.

    If it stands for a list of texts, it is empty, and `texts` has them.
    """

    def __init__(self) -> None:
        super().__init__()
        self.entries: list[dict[str, Any]] = []
        self.texts: list[str] = []

    def add(self, key: str, value: Any, *, starts_entry: bool) -> None:
        """Set a key, in the entry of the list that it starts or belongs to as well."""
        self[key] = value
        if starts_entry:
            self.entries.append({})
        if self.entries:
            self.entries[-1][key] = value

    def add_item(self, item: Mapping | str) -> None:
        """Add an item to the list that it stands for."""
        if isinstance(item, str):
            self.texts.append(item)
        else:
            self.update(item)
            self.entries.append(item)


@lru_cache(maxsize=8)
def read_mappings(text: str) -> dict[str, Any]:
    """Return the nested mappings of YAML or JSON, whose values are mappings or texts. Nothing may change them.

    A list of mappings or of texts becomes one `Mapping`. What else there may be is left out. Several questions about an app are
    answered from the same file, whose reading takes 15 ms if it has 600 lines.
    """
    if whole := _flow_collection(text.strip()):
        return whole
    top = Mapping()
    open_mappings: list[tuple[int, Mapping]] = [(-1, top)]
    lines = deque(text.splitlines())
    while lines:
        line = lines.popleft().rstrip()
        match = _LINE.match(line) or _ITEM.match(line)
        if match is None:
            continue
        indent = len(match["indent"])
        while open_mappings[-1][0] >= indent:
            open_mappings.pop()
        value = _without_comment(match["value"] or "")
        if value.startswith(("[", "{")):
            value = _with_lines(value, lines, len(line) - len(line.lstrip()))
        inner = _flow_collection(value)
        if match.re is _ITEM:
            open_mappings[-1][1].add_item(parse_scalar(value) if inner is None else inner)
            continue
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


def _with_lines(value: str, lines: deque[str], indent: int) -> str:
    """Return a list or mapping in brackets with the lines that it goes on in, which are taken from the others.

    They are indented more than its key, or close a bracket. Where one is never closed, the file goes on after them.
    """
    parts, depth = [value], _open_brackets(value)
    while depth > 0 and lines and lines[0][: indent + 1].strip(" ") in ("", "]", "}"):
        parts.append(_without_comment(lines.popleft()))
        depth += _open_brackets(parts[-1])
    return " ".join(parts)


def _flow_collection(text: str, depth: int = 0) -> Mapping | None:
    """Return the mapping of `{Path: /hello, Method: get}`, or that of the list `[GET, POST]`. None for anything else."""
    if depth > _DEPTH_MAX or not text.startswith(("{", "[")) or not text.endswith(("}", "]")):
        return None
    mapping = Mapping()
    for part in _flow_parts(text[1:-1]):
        pair = _PAIR.match(part) if text.startswith("{") else None
        value = pair["value"] if pair else part
        inner = _flow_collection(value, depth + 1)
        item = parse_scalar(value) if inner is None else inner
        if pair:
            mapping.add(pair["key"], item, starts_entry=False)
        elif text.startswith("["):
            mapping.add_item(item)
    return mapping


def _flow_parts(text: str) -> list[str]:
    """Return what stands between the commas that are outside quotes and brackets."""
    parts, depth, start = [], 0, 0
    for token in _FLOW_TOKEN.finditer(text):
        depth += _DEPTHS.get(token[0], 0)
        if token[0] == "," and depth == 0:
            parts.append(text[start : token.start()])
            start = token.end()
    return [part.strip() for part in (*parts, text[start:]) if part.strip()]


def _open_brackets(text: str) -> int:
    """Return how many brackets of a text are still open at its end."""
    return sum(_DEPTHS.get(token, 0) for token in _FLOW_TOKEN.findall(text))


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
        mapping.texts = [_substitute(text, top) for text in value.texts]
        return mapping
    match = _VARIABLE.fullmatch(value)
    referred = mapping_at(top, *match["path"].split(".")) if match and match["kind"] == "self" else None
    return referred or _VARIABLE.sub(lambda match: _value_of(match, top), value)


def _value_of(match: re.Match[str], top: dict[str, Any]) -> str:
    *parents, last = match["path"].split(".")
    own = text_at(mapping_at(top, *parents), last) if match["kind"] == "self" else ""
    stage = "dev" if f"{match['kind']}:{match['path']}" in _STAGES else ""
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


def texts_at(mapping: Any, key: str) -> list[str]:
    """Return the texts of the list that a key has, or its only text."""
    below = mapping_at(mapping, key)
    return below.texts if isinstance(below, Mapping) else list(filter(None, [text_at(mapping, key)]))
