"""scripts/bench measures and reports. No time is ever asserted here: only that there are figures, and what is made of them."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from bench.model import Effort, Result, Row, Sample, Side, Site
from bench.report import table
from bench.rows import ROWS, event
from bench.runtime_api import Posted, RuntimeApi

from support.paths import ROOT


def bench(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bench", "runtime", *words]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)


def test_two_rows_are_measured(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    done = bench("--quick", "wsgi", "start-wsgi", "--out", str(page))
    assert done.returncode in (0, 1), done.stderr
    figures = re.findall(r"^\| .* \| \S+ [um]s CPU \| \S+ [um]s CPU \| \*\*(\d+\.\d+)\*\* \|", done.stdout, re.MULTILINE)
    assert len(figures) == 2, done.stdout + done.stderr
    assert all(float(figure) > 0 for figure in figures)
    assert done.stdout.strip() in page.read_text()
    assert "awslambdaric 4." in page.read_text()


def test_a_row_that_is_not_there() -> None:
    done = bench("nonsense")
    assert done.returncode == 2
    assert "no such row: nonsense; there are asgi, starlette" in done.stderr


def result(bar: float | None, *ratios: float) -> Result:
    def never(row: Row, site: Site, effort: Effort) -> list[Sample]:
        raise AssertionError

    side = Side("lambent", "main.app")
    return Result(Row("x", "title", bar, side, side, {}, never), [Sample(ratio, 1.0) for ratio in ratios], "it went wrong")


@pytest.mark.parametrize(
    ("case", "met"),
    [
        (result(0.2, 0.1, 0.2, 0.9), True),
        (result(0.2, 0.1, 0.3, 0.9), False),
        (result(0.2), False),
        (result(None, 5.0), True),
    ],
)
def test_a_bar_is_met_by_the_median_of_the_rounds_and_never_by_nothing(case: Result, met: bool) -> None:
    assert case.met is met


def test_what_could_not_be_measured_is_said() -> None:
    assert table([result(0.2)]).splitlines()[-1] == "| title | | | | | ≤ 0.20 | **no**: it went wrong |"


def test_every_row_of_the_issue_has_its_bar() -> None:
    assert {row.name: row.bar for row in ROWS if row.bar is not None} == {
        "asgi": 0.15,
        "starlette": 0.20,
        "fastapi": 0.40,
        "fastapi-def": 0.40,
        "flask": 0.35,
        "wsgi": 0.20,
        "bare": 0.30,
        "blob": 0.25,
        "blob-streamed": 0.05,
        "start": 0.30,
        "memory-asgi": 16,
        "memory-wsgi": 16,
    }
    assert len(event()["headers"]) == 19


def test_the_stand_in_reads_chunks_and_trailers() -> None:
    api = RuntimeApi(lambda: None)
    with ThreadPoolExecutor(1) as pool:
        cycles = pool.submit(api.run, b"{}", 1)
        host, _, port = api.address.partition(":")
        with socket.create_connection((host, int(port)), timeout=30) as client:
            client.sendall(b"GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\n\r\n")
            assert client.recv(65536).endswith(b"\r\n\r\n{}")
            client.sendall(
                b"POST /2018-06-01/runtime/invocation/a/response HTTP/1.1\r\nTransfer-Encoding: chunked\r\n"
                b"Lambda-Runtime-Function-Response-Mode: streaming\r\n\r\n"
                b"5\r\nhello\r\n7;x=y\r\n, world\r\n0\r\nLate: trailer\r\n\r\n"
            )
            assert client.recv(65536).startswith(b"HTTP/1.1 202 ")
            client.sendall(b"GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\n\r\n")
            assert len(cycles.result(30)) == 1
    api.close()
    assert api.posted == Posted("response", True, b"hello, world", 12)
