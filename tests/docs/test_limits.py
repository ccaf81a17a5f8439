"""The numbers of the limits page are those that lambent uses."""

from __future__ import annotations

import re

import pytest

from lambent import limits
from support.paths import DOCS

ROWS = dict(re.findall(r"^\| ([^|]+) \| ([^|]+) \|", (DOCS / "reference/limits.md").read_text(), re.MULTILINE))
NUMBERS = {
    "request": [limits.PAYLOAD_MAX // limits.MIB],
    "response": [limits.PAYLOAD_MAX // limits.MIB],
    "streamed response": [limits.STREAM_MAX // limits.MIB],
    "payload of an asynchronous event": [limits.ASYNC_PAYLOAD_MAX // limits.MIB],
    "unzipped, with layers": [limits.UNZIPPED_MAX // limits.MIB],
    "zipped, in the request": [limits.ZIP_DIRECT_MAX // limits.MIB],
    "environment variables": [limits.ENV_MAX // 1024],
    "layers": [limits.LAYERS_MAX],
    "tags": [limits.TAGS_MAX],
    "function name": [limits.NAME_MAX],
    "memory": [limits.MEMORY_MIN_MB, limits.MEMORY_MAX_MB],
    "start (import of the app)": [limits.INIT_MAX_S],
    "`/tmp`": [limits.TMP_MIN_MB, limits.TMP_MAX_MB],
    "open files": [limits.FILE_DESCRIPTORS],
    "time for a request": [limits.TIMEOUT_DEFAULT_S, limits.TIMEOUT_MAX_S],
}


@pytest.mark.parametrize(("limit", "numbers"), NUMBERS.items())
def test_a_limit_has_its_numbers(limit: str, numbers: list[int]) -> None:
    on_page = [int(number) for number in re.findall(r"(?<![.\d])\d+(?![.\d])", ROWS[limit])]
    assert set(numbers) <= set(on_page), ROWS[limit]
