"""Compares answers with recorded ones: a mask such as `<uuid:1>` stands for one value, the same wherever it occurs."""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from support.paths import RECORDINGS

FOLDER = RECORDINGS
CASES: dict[str, Any] = {
    name: case
    for file in ("control-plane.json", "invoke-and-url.json")
    for name, case in json.loads((FOLDER / file).read_text()).items()
}
ANYTHING = frozenset(("date", "timestamp", "code-sha256", "function-url", "log-result"))
FIXED = {"<partition>": "aws", "<region>": "us-east-1", "111111111111": "123456789012"}


class Recording:
    """One recorded case. `match` compares one step; `done` asserts that every step was taken."""

    def __init__(self, case: str) -> None:
        self.steps = dict(CASES[case]["recorded-content"])
        self.case = case
        self.bound: dict[str, str] = {}

    def given(self, step: str) -> dict[str, Any]:
        """The parameters that the recorded call of this step must have had, as far as its answer shows them."""
        answer = self.steps[step]
        answer = answer.get("CreateFunctionResponse", answer)
        members = ("Description", "Environment", "Handler", "MemorySize", "Runtime", "Timeout")
        return {member: answer[member] for member in members if member in answer}

    def match(self, step: str, answer: Any) -> Any:
        expected = self.steps.pop(step)
        wrong = list(self._differences(expected, _plain(answer), step))
        assert not wrong, "\n".join([self.case, *wrong])
        return answer

    def refused(self, step: str, call: Any, **params: Any) -> None:
        try:
            call(**params)
        except ClientError as error:
            self.match(step, error.response)
        else:
            raise AssertionError(f"{step}: not refused")

    def done(self, *left_out: str) -> None:
        assert sorted(self.steps) == sorted(left_out)

    def _differences(self, expected: Any, actual: Any, path: str) -> Any:
        if isinstance(expected, dict) and isinstance(actual, dict):
            for key in sorted(set(expected) | set(actual)):
                if key in expected and key in actual:
                    yield from self._differences(expected[key], actual[key], f"{path}.{key}")
                else:
                    yield f"{path}.{key}: only {'recorded' if key in expected else 'answered'}: {(expected | actual)[key]!r}"
        elif isinstance(expected, list) and isinstance(actual, list) and len(expected) == len(actual):
            for index, (one, other) in enumerate(zip(expected, actual, strict=True)):
                yield from self._differences(one, other, f"{path}[{index}]")
        elif isinstance(expected, str) and expected.startswith("<") and not isinstance(actual, dict | list):
            yield from self._text(expected, str(actual), path)
        elif isinstance(expected, str) and isinstance(actual, str):
            yield from self._text(expected, actual, path)
        elif expected != actual:
            yield f"{path}: recorded {expected!r}, answered {actual!r}"

    def _text(self, expected: str, actual: str, path: str) -> Any:
        if expected in ANYTHING:
            return
        for mask, value in FIXED.items():
            expected = expected.replace(mask, value)
        pieces = re.split(r"(<[a-z0-9_-]+(?::\d+)?>)", expected)
        labels = pieces[1::2]
        pattern = "".join("(.*)" if index % 2 else re.escape(piece) for index, piece in enumerate(pieces))
        found = re.fullmatch(pattern, actual, re.DOTALL)
        if not found:
            yield f"{path}: recorded {expected!r}, answered {actual!r}"
            return
        for label, value in zip(labels, found.groups(), strict=True):
            if ":" in label and self.bound.setdefault(label, value) != value:
                yield f"{path}: {label} was {self.bound[label]!r}, now {value!r}"
            if label.startswith("<uuid") and [known for known in self.bound if self.bound[known] == value] != [label]:
                yield f"{path}: {label} is not a new value"


def _plain(answer: Any) -> Any:
    """An answer of boto3 in the recordings' form."""
    if isinstance(answer, datetime):
        return "datetime"
    if isinstance(answer, list):
        return [_plain(each) for each in answer]
    if not isinstance(answer, dict):
        return answer
    plain = {}
    for key, value in answer.items():
        if key == "ResponseMetadata":
            plain[key] = {"HTTPHeaders": {}, "HTTPStatusCode": value["HTTPStatusCode"]}
        elif key in ("Policy", "Statement") and isinstance(value, str):
            plain[key] = json.loads(value)
        elif key == "Payload" and hasattr(value, "read"):
            plain[key] = value.read().decode()
        else:
            plain[key] = _plain(value)
    return plain
