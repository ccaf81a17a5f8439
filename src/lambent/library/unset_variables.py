"""Explains a failure of the app by all environment variables that it needs and that aren't set, not only by the first one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from lambent.config.detection.project_text import read_text
from lambent.config.django_literals import hosts_cure
from lambent.config.model import Config
from lambent.config.own_files import own_files
from lambent.config.variables.bound import Read
from lambent.config.variables.own_secrets import is_own_secret
from lambent.config.variables.unset import django_report, find_unset, flags_for
from lambent.errors import LambentError
from lambent.units import listing, verb_for

_VARIABLE = re.compile(r"--env (\w+)=(?:VALUE|'\*'|\"\$\()")
_ASSIGNED = re.compile(r"""\s*(?:(?:\w+\.)*([A-Z][A-Z0-9_]+)|[\w.]+\[["']([A-Z][A-Z0-9_]+)["']\])\s*=[^=]""")
_USED_NONE = re.compile(r"""'NoneType'|secret key|['"@/:]None\b""")
_NO_ADDRESS = re.compile(r"""['"@/(]None:\d+""")
"""What a driver says that connects to a host of None: 'None:3306'."""
_ADDRESS = re.compile(r"HOST|SERVER|ADDR|ENDPOINT|URL|URI")
_NO_VALUE = re.compile(
    r"supply the ENGINE value|\bNone(?:Type)?\b|\b(?:must|should) (?:not be empty|be (?:set|a string))"
    r"|\bNo \w+ set\b|\b(?:required|missing|empty|not set|no secret key)\b",
    re.I,
)

_PARAMETER = re.compile(r"Invalid type for parameter (\w+), value: None")
"""What botocore says of QueueUrl=None."""

_ALL_FIELDS = re.compile(r"\n\s+[Ff]ield required")
"""What pydantic says of each field that has no value, whatever its sources are."""

_KEY_ERROR = re.compile(r"KeyError: '(\w+)'")
"""What a setting says that Quart's or Flask's `from_prefixed_env("SHOP")` would have taken from SHOP_NAME."""


def explain(error: LambentError, config: Config) -> None:
    """Name all variables that aren't set in an error of the app that is about one of them, and the flags that set them."""
    if "ALLOWED_HOSTS = " in error.hint and (report := django_report(config))["variable"]:
        error.hint = hosts_cure(report)
        return
    unset = find_unset(config)
    full_names = {name: _full_names(name, unset) for name in _VARIABLE.findall(error.hint)}
    hinted = list(dict.fromkeys(full_name for group in full_names.values() for full_name in group))
    confirmed = [name for name in hinted if name in {read.name for read in unset}]
    failed = confirmed or _mentioned(f"{error.what}\n{error.detail}", unset, config) or hinted
    if failed:
        others = [read for read in unset if read.name not in failed]
        if _ALL_FIELDS.search(f"{error.what}\n{error.detail}"):
            others = [read for read in others if read.fails != "perhaps"]
        needed = [*failed, *(read.name for read in others if read.fails != "perhaps" or _belongs_to(read, failed, unset))]
        for name, group in full_names.items():
            error.what = re.sub(rf"\b{name}\b", group[0], error.what) if len(group) == 1 else error.what
        if not full_names:
            error.what = f"{error.what}: {listing(failed)} {verb_for(failed)} not set"
        error.hint = flags_for(config, needed, unset)


def _belongs_to(read: Read, failed: Sequence[str], unset: Sequence[Read]) -> bool:
    """Return whether a variable is one of a pair, such as MAIL_USER and MAIL_PASSWORD, that a file reads."""
    pairs = (other for other in unset if other.name in failed and other.location.split(":")[0] == read.location.split(":")[0])
    return any("_" in other.name and read.name.startswith(f"{other.name.partition('_')[0]}_") for other in pairs)


def _mentioned(text: str, unset: Sequence[Read], config: Config) -> list[str]:
    """Return the variables that an error mentions, the lines of its traceback included, if it is about a missing value.

    It may mention the setting instead that a variable is read for. If it mentions neither, an attribute of None is that of a
    variable which a function needs, and a secret key is one of the app's own.
    """
    if key := _KEY_ERROR.search(text):
        names_of_key = [read.name for read in unset if f"_{read.name}".endswith(f"_{key[1]}")]
        if key[1] in names_of_key or (names_of_key and _has_prefix(config)):
            return names_of_key
    if not _NO_VALUE.search(text):
        return []
    if match := _PARAMETER.search(text):
        alike = [read.name for read in unset if match[1].lower() in read.name.lower().replace("_", "")]
        return alike or [read.name for read in unset if _is_in_traceback(read, text)]
    if _NO_ADDRESS.search(text) and (addresses := [read.name for read in unset if _ADDRESS.search(read.name)]):
        return addresses
    names = {read.name: (read.name, _setting(read, config.folder)) for read in unset}
    mentioned = [
        name for name, words in names.items() if any(word and re.search(rf"\b{re.escape(word)}\b", text) for word in words)
    ]
    if "supply the ENGINE value" in text:  # Django has no database: dj_database_url.config() returned {}
        return mentioned or [read.name for read in unset if read.name.endswith("DATABASE_URL")]
    needs_value = _USED_NONE.search(text) is not None
    needed = mentioned or [read.name for read in unset if read.fails == "call" and needs_value]
    needs_key = not needed and "secret key" in text  # Flask and Flask-WTF say this
    return [name for name in names if is_own_secret(name, names)] if needs_key else needed


def _has_prefix(config: Config) -> bool:
    return any("from_prefixed_env" in read_text(path) for path in own_files(config))


def _is_in_traceback(read: Read, text: str) -> bool:
    """Return whether a variable is read in a line that a traceback names."""
    file, _, line = read.location.rpartition(":")
    return bool(re.search(rf'File "{re.escape(file)}", line {line}\b', text))


def _setting(read: Read, folder: Path) -> str:
    """Return the setting that the line of a read assigns: SETTING = ..., or config["SETTING"] = ...; or ""."""
    file, _, line = read.location.rpartition(":")
    try:
        text = (folder / file).read_text("utf-8-sig", "replace").splitlines()[int(line) - 1]
    except (OSError, ValueError, IndexError):
        return ""
    match = _ASSIGNED.match(text)
    return (match[1] or match[2]) if match else ""


def _full_names(name: str, unset: Sequence[Read]) -> list[str]:
    """Return a name with the prefix that the code gives it: pydantic's errors name fields, or one that has several."""
    names = [read.name for read in unset]
    ending = [each for each in names if _words(each).endswith(f"_{_words(name)}")]
    parts = [each for each in names if f"_{name}__" in f"_{each}"]
    return [name] if name in names else ending[:1] or parts or [name]


def _words(name: str) -> str:
    """Return a name with single underscores: whatever stands between a field and one in it."""
    return re.sub("_+", "_", name)
