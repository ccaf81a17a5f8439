"""Parsers for the value of one setting. Each raises UsageError for a value it does not accept."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from lambent.config.settings import RawSetting
from lambent.config.sourced import T

_FUNCTION = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*(\.[^\W\d]\w*)*")
_NOT_IN_BASE_PATH = re.compile(r"[?#%\s]|//|/\.{1,2}(/|$)")
_CHECK_PATH = re.compile(r"/(?!/)[!-\"$-~]*")  # printable ASCII without "#"
_FOLDER = re.compile(r"(?!/)[^\s=]+")
_SWITCH = {"true": True, "1": True, "false": False, "0": False}


def parse_text(setting: RawSetting, example: str) -> str:
    """Return text that is not empty."""
    if not isinstance(setting.value, str) or not setting.value.strip():
        raise setting.refuse(f"{setting.key} must be text, got {setting.value!r}", example)
    return setting.value


def parse_switch(setting: RawSetting) -> bool:
    """Return true or false. Environment variables may also use 1 and 0."""
    value = _SWITCH.get(str(setting.value).lower())
    if value is None:
        raise setting.refuse(f"{setting.key} must be true or false, got {setting.value!r}", "true")
    return value


def parse_automatic_switch(setting: RawSetting) -> bool | None:
    """Return true or false, or None for "auto"."""
    if setting.value == "auto":
        return None
    if str(setting.value).lower() not in _SWITCH:
        raise setting.refuse(f"{setting.key} must be true, false or auto, got {setting.value!r}", "auto")
    return parse_switch(setting)


def parse_function(setting: RawSetting) -> str:
    """Return a function as "module:function"."""
    function = parse_text(setting, "main:on_event")
    if not _FUNCTION.fullmatch(function):
        raise setting.refuse(f"{setting.key} must be module:function, got {function}", "main:on_event")
    return function


def parse_base_path(setting: RawSetting) -> str:
    """Return a decoded path such as "/shop", without a slash at its end. The root is ""."""
    path = "/" + parse_text(setting, "/shop").strip("/")
    if _NOT_IN_BASE_PATH.search(path):
        raise setting.refuse(f"{setting.key} must be a plain path, got {setting.value}", "/shop")
    return "" if path == "/" else path


def parse_check_path(setting: RawSetting) -> str:
    """Return a path such as "/health", perhaps with a query. The root is ""."""
    path = parse_text(setting, "/health")
    if not _CHECK_PATH.fullmatch(path):
        raise setting.refuse(f"{setting.key} must be a path that begins with /, got {path}", "/health")
    return "" if path == "/" else path


def parse_static(setting: RawSetting) -> tuple[tuple[str, str], ...]:
    """Return pairs of a URL path and a folder of the project."""
    example = '{ "/static" = "staticfiles" }'
    if not isinstance(setting.value, Mapping):
        raise setting.refuse(f"static must be a table of paths and folders, got {setting.value!r}", example)
    pairs = []
    for path, folder in setting.value.items():
        if not path.startswith("/") or _NOT_IN_BASE_PATH.search(path) or "=" in path:
            raise setting.refuse(f"static needs plain paths that begin with /, got {path!r}", example)
        if not isinstance(folder, str) or not _FOLDER.fullmatch(folder) or ".." in folder.split("/"):
            raise setting.refuse(f"static needs folders of the project, got {folder!r}", example)
        pairs.append((path.rstrip("/") or "/", folder.strip("/").removeprefix("./")))
    return tuple(pairs)


def text_parser(example: str) -> Callable[[RawSetting], str]:
    """Return a parser for any text."""
    return lambda setting: parse_text(setting, example)


def pattern_parser(pattern: str, example: str) -> Callable[[RawSetting], str]:
    """Return a parser for text that matches a regular expression."""

    def parse(setting: RawSetting) -> str:
        if not re.fullmatch(pattern, parse_text(setting, example)):
            raise setting.refuse(f"{setting.key} must look like {example}, got {setting.value}", example)
        return str(setting.value)

    return parse


def choice_parser(choices: Mapping[str, T], description: str, example: str) -> Callable[[RawSetting], T]:
    """Return a parser for one of a few words, in any case. `description` lists them for the error."""

    def parse(setting: RawSetting) -> T:
        word = parse_text(setting, example).lower()
        if word not in choices:
            raise setting.refuse(f"{setting.key} must be {description}, got {setting.value}", example)
        return choices[word]

    return parse


def number_parser(unit: str, low: int, high: int) -> Callable[[RawSetting], int]:
    """Return a parser for a whole number between `low` and `high`."""

    def parse(setting: RawSetting) -> int:
        is_number = not isinstance(setting.value, bool) and re.fullmatch(r"\s*[+-]?\d+\s*", str(setting.value))
        if not is_number:
            raise setting.refuse(f"{setting.key} must be a whole number of {unit}, got {setting.value!r}", str(low))
        number = int(setting.value)
        if not low <= number <= high:
            message = f"{setting.key} must be between {low} and {high} {unit}, got {setting.value}"
            raise setting.refuse(message, str(low if number < low else high))
        return number

    return parse


def list_parser(example: str, items: str = "strings", pattern: str = ".+") -> Callable[[RawSetting], tuple[str, ...]]:
    """Return a parser for a list of strings that match a regular expression. `items` says what they are, for the error."""

    def parse(setting: RawSetting) -> tuple[str, ...]:
        if not isinstance(setting.value, list) or not all(isinstance(text, str) and text for text in setting.value):
            raise setting.refuse(f"{setting.key} must be a list of {items}, got {setting.value!r}", example)
        for text in setting.value:
            if not re.fullmatch(pattern, text, re.DOTALL):
                raise setting.refuse(f"{setting.key} must be {items}, got {text}", example)
        return tuple(setting.value)

    return parse
