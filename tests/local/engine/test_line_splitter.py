"""How a runtime's output becomes log events."""

from __future__ import annotations

import pytest

from lambent.local.engine.line_splitter import LineSplitter
from lambent.local.engine.log_sink import LogLine


def frame(text: str, milliseconds: int) -> bytes:
    raw = text.encode()
    return b"\xa5\x5a\x00\x03" + len(raw).to_bytes(4, "big") + (milliseconds * 1000).to_bytes(8, "big") + raw


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_output_is_split_into_log_events_whatever_the_chunks(size: int) -> None:
    data = "one\nτwo\n".encode() + frame("a record\nof two lines\n", 7) + b"half" + frame("next\n", 8) + b"\nerror:\rmore\nlast"
    splitter = LineSplitter()
    lines = [line for start in range(0, len(data), size) for line in splitter.feed(data[start : start + size], 5)]
    assert [*lines, *splitter.finish(6)] == [
        LogLine(5, "one"), LogLine(5, "τwo"), LogLine(7, "a record\nof two lines"), LogLine(5, "half"), LogLine(8, "next"),
        LogLine(5, ""), LogLine(5, "error:\nmore"), LogLine(6, "last"),
    ]  # fmt: skip
    assert splitter.finish(9) == []
