"""The symptoms of the troubleshooting page are messages that lambent prints."""

from __future__ import annotations

import re

import pytest

from support.paths import DOCS, SOURCE

PAGE = (DOCS / "how-to/troubleshooting.md").read_text()
SYMPTOMS = re.findall(r"^### `(.+)`$", PAGE, re.MULTILINE)
MESSAGES = [
    re.sub(r"\\([|<*])", r"\1", line.split(" | ")[0].removeprefix("| "))
    for line in (DOCS / "reference/errors.md").read_text().splitlines()
    if line.startswith("| ")
]
OTHERS = [path.read_text() for path in SOURCE.rglob("*.py")]
"""Where warnings, answers of the local Lambda, and lines that aren't errors stand."""


def is_printed(symptom: str) -> bool:
    """Return whether the parts of a symptom between its dots stand in this order in a message, or in one line of the source."""
    pattern = re.compile(r"[^\n]*?".join(re.escape(part) for part in symptom.split("…")))
    return any(pattern.search(text) for text in (*MESSAGES, *OTHERS))


@pytest.mark.parametrize("symptom", SYMPTOMS)
def test_symptom_is_a_message_of_lambent(symptom: str) -> None:
    assert is_printed(symptom)


def test_a_message_that_does_not_exist_is_noticed() -> None:
    assert len(SYMPTOMS) > 30
    assert not is_printed("the moon … is missing")
