"""Comparison of responses with recorded ones. A mask such as `<uuid:1>` is the same unknown value wherever it occurs."""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from support.paths import RECORDINGS

CASES: dict[str, Any] = {
    name: case
    for file in ("control-plane.json", "invoke-and-url.json")
    for name, case in json.loads((RECORDINGS / file).read_text()).items()
}
ANYTHING = frozenset(("date", "timestamp", "code-sha256", "function-url", "log-result"))
FIXED = {"<partition>": "aws", "<region>": "us-east-1", "111111111111": "123456789012"}


class Recording:
    """One recorded case. `match` compares one step; `assert_complete` checks that no step was left out."""

    def __init__(self, case: str) -> None:
        self.steps = dict(CASES[case]["recorded-content"])
        self.case = case
        self.bound: dict[str, str] = {}

    def parameters(self, step: str) -> dict[str, Any]:
        """Return the parameters of the recorded call of this step, as far as the response shows them."""
        response = self.steps[step]
        response = response.get("CreateFunctionResponse", response)
        members = ("Description", "Environment", "Handler", "MemorySize", "Runtime", "Timeout")
        return {member: response[member] for member in members if member in response}

    def match(self, step: str, response: Any) -> Any:
        expected = self.steps.pop(step)
        differences = list(self._differences(expected, _plain(response), step))
        assert not differences, "\n".join([self.case, *differences])
        return response

    def match_refusal(self, step: str, call: Any, **params: Any) -> None:
        try:
            call(**params)
        except ClientError as error:
            self.match(step, error.response)
        else:
            raise AssertionError(f"{step}: not refused")

    def assert_complete(self, *omitted: str) -> None:
        assert sorted(self.steps) == sorted(omitted)

    def _differences(self, expected: Any, actual: Any, path: str) -> Any:
        if isinstance(expected, dict) and isinstance(actual, dict):
            for key in sorted(set(expected) | set(actual)):
                if key in expected and key in actual:
                    yield from self._differences(expected[key], actual[key], f"{path}.{key}")
                else:
                    side = "recorded" if key in expected else "in the response"
                    yield f"{path}.{key}: only {side}: {(expected | actual)[key]!r}"
        elif isinstance(expected, list) and isinstance(actual, list) and len(expected) == len(actual):
            for index, (first, second) in enumerate(zip(expected, actual, strict=True)):
                yield from self._differences(first, second, f"{path}[{index}]")
        elif isinstance(expected, str) and expected.startswith("<") and not isinstance(actual, dict | list):
            yield from self._text(expected, str(actual), path)
        elif isinstance(expected, str) and isinstance(actual, str):
            yield from self._text(expected, actual, path)
        elif expected != actual:
            yield f"{path}: recorded {expected!r}, response {actual!r}"

    def _text(self, expected: str, actual: str, path: str) -> Any:
        if expected in ANYTHING:
            return
        for mask, value in FIXED.items():
            expected = expected.replace(mask, value)
        pieces = re.split(r"(<[a-z0-9_-]+(?::\d+)?>)", expected)
        labels = pieces[1::2]
        pattern = "".join("(.*)" if index % 2 else re.escape(piece) for index, piece in enumerate(pieces))
        match = re.fullmatch(pattern, actual, re.DOTALL)
        if not match:
            yield f"{path}: recorded {expected!r}, response {actual!r}"
            return
        for label, value in zip(labels, match.groups(), strict=True):
            if ":" in label and self.bound.setdefault(label, value) != value:
                yield f"{path}: {label} was {self.bound[label]!r}, now {value!r}"
            if label.startswith("<uuid") and [other for other in self.bound if self.bound[other] == value] != [label]:
                yield f"{path}: {label} is not a new value"


def _plain(response: Any) -> Any:
    """Return a response of boto3 in the form of the recordings."""
    if isinstance(response, datetime):
        return "datetime"
    if isinstance(response, list):
        return [_plain(item) for item in response]
    if not isinstance(response, dict):
        return response
    plain = {}
    for key, value in response.items():
        if key == "ResponseMetadata":
            plain[key] = {"HTTPHeaders": {}, "HTTPStatusCode": value["HTTPStatusCode"]}
        elif key in ("Policy", "Statement") and isinstance(value, str):
            plain[key] = json.loads(value)
        elif key == "Payload" and hasattr(value, "read"):
            plain[key] = value.read().decode()
        else:
            plain[key] = _plain(value)
    return plain
