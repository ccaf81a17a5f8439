"""The size breakdown: sums by package, tables, and the page with the treemap."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from lambent import events
from lambent.events import FileSize, PackageSize
from lambent.package import output_file, size_report, size_treemap
from lambent.package.archive import compress, write
from lambent.ui.event_lines import event_lines

EVIL = "</script><img src=x onerror=document.title='owned'>.txt"
FILES = (
    FileSize("numpy/a.py", "numpy 2.3", 1000, 400),
    FileSize("numpy/__pycache__/a.cpython-313.pyc", "numpy 2.3", 2000, 900),
    FileSize("numpy/lib/b.so", "numpy 2.3", 90_000, 40_000),
    FileSize("main.py", size_report.OWN, 100, 60),
    FileSize(EVIL, size_report.OWN, 10, 10),
)


def test_sizes_are_summed_by_package() -> None:
    assert size_report.by_package(FILES) == (
        PackageSize("numpy 2.3", 3, 93_000, 41_300, 2000, 900),
        PackageSize(size_report.OWN, 2, 110, 70, 0, 0),
    )
    assert size_report.by_package(()) == ()


def test_table_of_a_zip() -> None:
    shown = [line.text for line in event_lines(events.SizesListed(size_report.by_package(FILES)))]
    assert shown == [
        "package      zipped  unpacked  of that, bytecode",
        "numpy 2.3   41.3 kB   93.0 kB             2.0 kB",
        "your files     70 B     110 B",
        "total       41.4 kB   93.1 kB             2.0 kB",
    ]


def test_long_table_ends_with_a_sum() -> None:
    packages = tuple(PackageSize(f"p{index}", 1, 10, 20 - index, 0, 0) for index in range(15))
    shown = [line.text.split("  ")[0] for line in event_lines(events.SizesListed(packages))]
    assert shown[1:3] == ["p0", "p1"] and shown[-2:] == ["the other 3", "total"] and len(shown) == 15


def test_table_of_an_error() -> None:
    sizes = Counter({f"p{index}": (20 - index) * 1_000_000 for index in range(14)})
    shown = size_report.table(sizes).splitlines()
    assert shown[0] == "   20.0 MB  p0" and shown[-1] == "   15.0 MB  the other 2" and len(shown) == 13
    assert size_report.table(Counter(a=1000)) == "    1.0 kB  a"


def test_every_file_is_listed() -> None:
    shown = [line.text.split() for line in event_lines(events.FilesListed(FILES))]
    assert shown[0] == ["zipped", "unpacked", "file"]
    assert shown[3] == ["40.0", "kB", "90.0", "kB", "numpy/lib/b.so", "(numpy", "2.3)"]


def test_files_belong_to_packages(tmp_path: Path) -> None:
    names = [
        "pkg/a.py",
        "pkg/__pycache__/a.cpython-313.pyc",
        "pkg-1.0.dist-info/METADATA",
        "main.py",
        "lambent_runtime/invocation_loop.py",
    ]
    with (tmp_path / "a.zip").open("wb") as file:
        written = write(file, [compress(name, b"x" * 99) for name in names])
    owners = dict.fromkeys((names[0], names[2]), "pkg 1.0")
    sizes = {file.name: (file.package, file.raw) for file in size_report.by_file(written.entries, owners)}
    assert [sizes[name] for name in names] == [("pkg 1.0", 99)] * 3 + [(size_report.OWN, 99), (size_report.OURS, 99)]


def data_of(page: str) -> list[tuple[str, list[tuple[str, int, int]]]]:
    match = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert match is not None
    return json.loads(match[1])  # type: ignore[no-any-return]


def test_page_is_self_contained() -> None:
    page = size_treemap.page(FILES, "a & <b>")
    shown = {(package, *map(tuple, [file])) for package, files in data_of(page) for file in files}
    assert shown == {(file.package, (file.name, file.raw, file.packed)) for file in FILES}
    assert "a &amp; &lt;b&gt;" in page and "<b>a" not in page
    assert not re.search(r"https?:|src=[\"']|@import|url\(", page)
    assert "default-src 'none'" in page
    assert page.count("<tr><td>") == 2  # for readers without scripts
    assert EVIL not in page and "onerror=document" not in html.unescape(page.split('id="data"')[0])


BROWSER = next((path for name in ("chromium", "google-chrome", "chrome") if (path := shutil.which(name))), None)
ACT = """<script>
const log = [], shown = () => [...document.querySelectorAll("#rows tr td:first-child")].map(cell => cell.textContent).join();
log.push(shown(), document.querySelectorAll("#map button").length > 3);
document.querySelector("#rows button").click();
log.push(shown(), document.querySelectorAll("#trail li").length);
dispatchEvent(new KeyboardEvent("keydown", { key: "Escape" }));
log.push(shown());
document.querySelector("[name=by][value='1']").click();
log.push(document.querySelector("#map button").getAttribute("aria-label"));
document.title = JSON.stringify(log);
</script>"""


@pytest.mark.skipif(BROWSER is None, reason="no browser on this machine")
def test_page_works_in_a_browser(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text(size_treemap.page(FILES, "a") + ACT)
    command = [str(BROWSER), "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}"]
    done = subprocess.run([*command, "--dump-dom", page.as_uri()], capture_output=True, text=True, timeout=60)
    title = re.search(r"<title>(.*?)</title>", done.stdout)
    assert title is not None, done.stderr
    assert json.loads(html.unescape(title[1])) == [
        "numpy 2.3,your files",
        True,
        "numpy/",
        2,
        "numpy 2.3,your files",
        "numpy 2.3: 41.3 kB zipped, 93.0 kB unpacked, 3 files, 1 of them bytecode; 99.9 % of all",
    ]


def test_output_is_written_completely_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "out.zip"
    target.write_bytes(b"PK old")
    with pytest.raises(Exception, match="cannot write"):
        output_file.copy(tmp_path / "missing.zip", target)
    assert target.read_bytes() == b"PK old"
    (tmp_path / "new.zip").write_bytes(b"PK new")
    output_file.copy(tmp_path / "new.zip", target)
    assert target.read_bytes() == b"PK new"
    assert target.stat().st_mode & 0o777 == 0o644
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new.zip", "out.zip"]
