"""Check that an event is JSON, with the error messages of AWS's parser (Jackson)."""

from __future__ import annotations

import re

from lambent.local import json_input
from lambent.local.control.faults import Fault

LEAD = "Could not parse request body into json: Could not parse payload into json: "
EXPECTED = "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')"


def check_json(payload: bytes) -> None:
    """Raise InvalidRequestContentException for a payload that isn't JSON."""
    try:
        json_input.loads(payload)
    except ValueError as error:
        position = getattr(error, "pos", 0)
        text = payload.decode("utf-8", "replace")
        raise Fault("InvalidRequestContentException", LEAD + _jackson_message(text, position)) from None


def _jackson_message(text: str, position: int) -> str:
    line = text.count("\n", 0, position) + 1
    column = position - (text.rfind("\n", 0, position) + 1) + 1
    word = re.match(r"[A-Za-z_$][\w$]*", text[position:])
    if word:
        message = f"Unrecognized token '{word[0]}': was expecting {EXPECTED}"
        column += len(word[0])
    elif position < len(text):
        character = text[position]
        message = f"Unexpected character ('{character}' (code {ord(character)})): expected a valid value {EXPECTED}"
        column += 1
    else:
        message = "Unexpected end-of-input"
    return f'{message}\n at [Source: (byte[])"{text[:500]}"; line: {line}, column: {column}]'
