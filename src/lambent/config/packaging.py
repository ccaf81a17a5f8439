"""The packaging settings: what goes into the zip, and what stays out."""

from __future__ import annotations

from lambent.config.model import Packaging
from lambent.config.parsers import list_parser, parse_switch
from lambent.config.settings import Settings

_SWITCHES = ("keep_all", "strip", "overflow")
_LIST_EXAMPLES = {
    "include": '["static/dist/"]',
    "keep": '["numpy/testing/"]',
    "drop": '["*/locale/"]',
    "without": '["boto3"]',
    "groups": '["web"]',
    "extras": '["postgres"]',
    "allow_secrets": '["demo/key.txt"]',
}


def read_packaging(settings: Settings) -> Packaging:
    """Return the packaging settings. Raises UsageError for a value of the wrong type."""
    switches = dict.fromkeys(_SWITCHES, parse_switch)
    return Packaging(**settings.parse({**switches, **{key: list_parser(text) for key, text in _LIST_EXAMPLES.items()}}))
