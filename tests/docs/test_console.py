"""The page runner itself: it must run what a page says, and fail when the page is wrong."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from support.console_pages import Session, Wrong, blocks, matches, play

PAGE = """
# A page

```bash
greeting=hello
cat > note.txt <<'EOF'
$ not a command
EOF
echo "$greeting" \\
  there
```

```text
hello ...
```

## Failing

<!-- needs sh true -->
<!-- fails -->
```bash
cat note.txt
(exit 3)
```

<!-- not run -->
```bash
rm -rf /nowhere
```

## Console

```console
$ for n in 1 2; do
    echo $n
done
1
2
$ true
```

```python
print("for reading")
```
"""


def played(page: str, folder: Path) -> None:
    with Session(folder, os.environ) as session:
        for block in blocks(page):
            play(block, session, "page.md", timeout=20)


def test_a_page_is_read() -> None:
    first, second, third, fourth = blocks(PAGE)
    assert [command.line for command in first.commands] == [5, 6, 9]
    assert first.shown == "hello ..."
    assert (first.fails, first.needs, first.sections) == (False, (), ("A page",))
    assert (second.fails, second.needs, second.sections) == (True, ("sh", "true"), ("A page", "Failing"))
    assert second.shown is None
    assert (third.commands[0].text, third.shown) == ("for n in 1 2; do\n    echo $n\ndone", "1\n2")
    assert (fourth.commands[0].text, fourth.shown, fourth.needs) == ("true", "", ())


def test_a_true_page_runs(tmp_path: Path) -> None:
    played(PAGE, tmp_path)
    assert (tmp_path / "note.txt").read_text() == "$ not a command\n"


@pytest.mark.parametrize(
    ("was", "becomes", "says"),
    [
        ("hello ...", "goodbye ...", "page.md:5: printed something else"),
        ("(exit 3)", "(exit 0)", "page.md:23: exit status 0"),
        ("greeting=hello", "no-such-program", "page.md:5: exit status 127"),
        ("$ true", "$ echo unasked", "printed something else"),
        ("1\n2\n", "1\n", "printed something else"),
        ("done\n", "\n", "does not end"),
        ("$ for", "for", "starts with"),
    ],
)
def test_a_wrong_page_fails(was: str, becomes: str, says: str, tmp_path: Path) -> None:
    assert was in PAGE
    with pytest.raises(Wrong, match=says):
        played(PAGE.replace(was, becomes), tmp_path)


def test_a_command_that_hangs_fails(tmp_path: Path) -> None:
    with Session(tmp_path, os.environ) as session, pytest.raises(Wrong, match=r"not done in 0\.3 seconds(?s:.*)begun"):
        session.run("echo begun; sleep 60", 0.3)


def test_a_process_left_behind_does_not_hold_the_session(tmp_path: Path) -> None:
    with Session(tmp_path, os.environ, {"60": "some"}) as session:
        assert session.run("sleep 60 & echo left 60", 10) == (0, "left some\n")


@pytest.mark.parametrize(
    ("shown", "printed", "same"),
    [
        ("a ... c", "a b c", True),
        ("a ... c", "a b\nb c", False),
        ("a\n...\nc", "a\nc", True),
        ("a\n...\nc", "a\nb\nb\nc", True),
        ("a\n...", "a", True),
        ("a\n...", "a\nb", True),
        ("a\n...", "ab", False),
        ("...\nc", "a\nb\nc", True),
        ("a", "a  \n", True),
        ("a", "a\nb", False),
        ("a.c", "abc", False),
        ("{\n    ...\n}", '{\n    "x": 1\n}', True),
    ],
)
def test_dots_stand_for_anything(shown: str, printed: str, same: bool) -> None:
    assert matches(shown, printed) is same
