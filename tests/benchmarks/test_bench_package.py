"""scripts/bench package measures and reports. No time is asserted: only that there are figures, and what is made of them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from bench import page
from bench.package import process
from bench.package.contenders import SETS
from bench.package.model import LAMBENT, PIP, UV, Bars, Result, Row, Site, Took, Trouble
from bench.package.report import table
from bench.package.rows import rows

from support.paths import ROOT


def bench(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bench", "package", *words]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)


def test_a_row_is_measured_and_the_other_part_of_the_page_stays(tmp_path: Path) -> None:
    written = tmp_path / "page.md"
    page.write(written, "runtime", "## The runtime\n\nits table\n")
    done = bench("--quick", "import/flask", "--out", str(written))
    assert done.returncode in (0, 1), done.stderr
    assert re.search(
        r"^\| import of Flask .* \*\*\d+\.\d+\*\* \| ≤ 0\.55 \| (yes|\*\*no\*\*) \|$", done.stdout, re.MULTILINE
    ), done.stdout + done.stderr
    text = written.read_text()
    assert text.index("its table") < text.index(done.stdout.strip())
    page.write(written, "runtime", "another table")
    assert "its table" not in written.read_text() and done.stdout.strip() in written.read_text()


def test_a_row_that_is_not_there() -> None:
    done = bench("nonsense")
    assert done.returncode == 2
    assert "no such row: nonsense; there are rebuild/datasette-x86_64" in done.stderr


def result(bars: Bars, **samples: list[float]) -> Result:
    def never(site: Site) -> dict[str, list[Took]]:
        raise AssertionError

    names = {"ours": LAMBENT, "uv": UV, "pip": PIP}
    taken = {names[who]: [Took(amount, amount) for amount in amounts] for who, amounts in samples.items()}
    return Result(Row("x", "title", "s CPU", never, bars), taken, "it went wrong")


@pytest.mark.parametrize(
    ("case", "met"),
    [
        (result(Bars(0.25, {UV: 0.1}), ours=[0.2, 0.2, 9], uv=[2, 3, 90]), True),
        (result(Bars(0.25, {UV: 0.1}), ours=[0.3, 0.3, 0.2], uv=[9, 9, 9]), False),
        (result(Bars(None, {UV: 0.1, PIP: 0.02}), ours=[0.2], uv=[2.0], pip=[9.0]), False),
        (result(Bars(300), ours=[299]), True),
        (result(Bars(None, {UV: 0.1})), False),
    ],
)
def test_a_row_is_met_by_the_medians_of_all_its_bars_and_never_by_nothing(case: Result, met: bool) -> None:
    assert case.met is met


def test_what_could_not_be_measured_is_said() -> None:
    assert table([result(Bars(1))]).splitlines()[-1] == "| title | | | | | | | **no**: it went wrong |"


def test_a_line_for_each_bar() -> None:
    lines = table([result(Bars(0.25, {UV: 0.1, PIP: 0.02}), ours=[0.2], uv=[2.0], pip=[20.0])]).splitlines()[2:]
    assert [line.split(" | ")[3:] for line in lines] == [
        ["uv + zip", "2 s CPU (2.00 wall)", "**0.100**", "≤ 0.1", "yes |"],
        ["pip + zip", "20 s CPU (20.00 wall)", "**0.010**", "≤ 0.02", "yes |"],
    ]


def test_table_has_every_bar() -> None:
    bars = {row.name: row.bars for row in rows("x86_64")}
    for of in ("datasette", "pandas"):
        for machine in ("x86_64", "arm64"):
            assert bars.pop(f"rebuild/{of}-{machine}") == Bars(0.35, {UV: 0.25})
            assert bars.pop(f"fetched/{of}-{machine}") == Bars(None, {UV: 1.5, PIP: 0.25})
            assert bars.pop(f"cold/{of}-{machine}") == Bars(None, {PIP: 1 / 3})
            assert bars.pop(f"size/{of}-{machine}") == Bars(None, {PIP: 0.4 if of == "datasette" else 0.7})
    assert {name: (row.own, *row.against.values()) for name, row in bars.items()} == {
        "import/fastapi": (None, 0.55),
        "import/flask": (None, 0.55),
        "import/django": (None, 0.55),
        "import/datasette": (None, 0.55),
        "check/x86_64": (0.15,),
        "check/arm64": (0.15,),
        "memory": (300,),
    }


@pytest.mark.parametrize("path", sorted(SETS.glob("*/*.txt")), ids=lambda path: f"{path.parent.name}/{path.name}")
def test_every_requirement_is_pinned(path: Path) -> None:
    lines = [line for line in path.read_text().splitlines() if not line.startswith(("#", "-c "))]
    assert lines and all(re.fullmatch(r"[\w.-]+==[\w.]+", line) for line in lines)


def test_what_children_take_counts(tmp_path: Path) -> None:
    burn = "import time\nwhile time.process_time() < 0.2: pass"
    command = [sys.executable, "-c", f"import subprocess, sys; subprocess.run([sys.executable, '-c', {burn!r}])"]
    took, said = process.run(command, tmp_path, os.environ)
    assert took.amount >= 0.2 and said == ""


def test_memory_of_children_counts(tmp_path: Path) -> None:
    hold = "import time; held = b'x' * 50_000_000; time.sleep(0.3)"
    command = [sys.executable, "-c", f"import subprocess, sys; subprocess.run([sys.executable, '-c', {hold!r}])"]
    assert process.peak(command, tmp_path, os.environ).amount > 50


def test_a_command_that_fails_is_told(tmp_path: Path) -> None:
    with pytest.raises(Trouble, match="ended with 3: error: no disk"):
        process.run(["sh", "-c", "echo 'error: no disk' >&2; exit 3"], tmp_path, os.environ)
