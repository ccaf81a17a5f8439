"""How a runtime's output becomes log events."""

from __future__ import annotations

import time

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


def test_what_was_printed_before_a_record_is_not_later_than_it() -> None:
    """A record has the time when it was written, and a printed line that when it was read."""
    lines = LineSplitter().feed(b"one\ntwo\n" + frame("record", 7) + b"three\n", 9)
    assert lines == [LogLine(7, "one"), LogLine(7, "two"), LogLine(7, "record"), LogLine(9, "three")]


def cpu_seconds(data: bytes, chunk: int) -> float:
    splitter = LineSplitter()
    started = time.process_time()
    for start in range(0, len(data), chunk):
        splitter.feed(data[start : start + chunk], 1)
    splitter.finish(1)
    return time.process_time() - started


@pytest.mark.parametrize("chunk", [1 << 16, 100])
@pytest.mark.parametrize(
    "piece",
    [b"\n", b"x\n", b"a" * 89 + b"\n", b"a\r", b"a" * 1000, frame("x", 1), b"\xa5\x5a\x00\xff\xff\xff\xff"],
)
def test_work_grows_with_the_output_and_not_faster(piece: bytes, chunk: int) -> None:
    """Eight times the output took 64 times the work once."""
    small, large = piece * (40_000 // len(piece)), piece * (320_000 // len(piece))
    assert min(cpu_seconds(large, chunk) for _ in range(2)) < 30 * max(cpu_seconds(small, chunk) for _ in range(3))


@pytest.mark.parametrize("chunk", [1 << 16, 7])
def test_runs_of_empty_lines_are_as_many_events(chunk: int) -> None:
    data = b"\n" * 500 + b"a" + b"\n" * 70 + b"b\n\nc" + b"\n" * 64
    splitter = LineSplitter()
    lines = [line for start in range(0, len(data), chunk) for line in splitter.feed(data[start : start + chunk], 1)]
    assert [line.message for line in lines] == data.decode().split("\n")[:-1]


def test_long_line_is_cut_and_the_rest_of_a_line_is_not() -> None:
    splitter = LineSplitter()
    lines = splitter.feed(b"a" * 600_000 + b"\nhalf", 1)
    assert [len(line.message) for line in lines] == [262_144, 262_144, 75_712]
    assert [line.message for line in splitter.feed(b" a line\n", 1)] == ["half a line"]
