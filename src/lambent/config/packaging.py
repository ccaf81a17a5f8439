"""What goes into the zip and what does not, as the user said it."""

from __future__ import annotations

from typing import Any

from lambent.config.model import Packaging
from lambent.config.settings import Settings

_EXAMPLES = {
    "include": '["static/dist/"]',
    "keep": '["numpy/testing/"]',
    "drop": '["*/locale/"]',
    "without": '["boto3"]',
    "groups": '["web"]',
    "extras": '["postgres"]',
    "allow_secrets": '["demo/key.txt"]',
}
_SWITCHES = ("keep_all", "strip", "overflow")


def options(settings: Settings, origins: dict[str, str]) -> Packaging:
    """The packaging options. Raises UsageError for one that is of the wrong kind."""
    said: dict[str, Any] = {}
    for key in (*_EXAMPLES, *_SWITCHES):
        given = settings.switch(key) if key in _SWITCHES else settings.texts(key, _EXAMPLES[key])
        origins[key] = given.origin if given else "default"
        if given is not None:
            said[key] = given.value
    return Packaging(**said)
