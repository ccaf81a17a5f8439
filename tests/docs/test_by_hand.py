"""docs/how-to/by-hand.md, typed as it stands: its own commands, against the local Lambda, with the real aws CLI."""

from __future__ import annotations

import warnings

import pytest

from support.console_pages import Block, Session, Wrong, blocks, play
from support.paths import ROOT
from support.reader import lacking

PAGE = ROOT / "docs/how-to/by-hand.md"
OLD = "The original recipe, word for word"
LOGS = """
for group in $(aws logs describe-log-groups --query 'logGroups[].logGroupName' --output text); do
  echo "--- $group"
  aws logs filter-log-events --log-group-name "$group" --query 'events[].[message]' --output text | tail -n 30
done
echo "--- the service"
lambent local log
"""


def typed(found: list[Block], reader: Session) -> None:
    """Runs the blocks; when one fails, what the functions and the service said is shown too."""
    try:
        for block in found:
            play(block, reader, PAGE.name)
    except Wrong as wrong:
        wrong.add_note(reader.run(LOGS, 60)[1])
        raise


def wanted(old: bool) -> list[Block]:
    """The blocks of one half of the page. Skips the test when its first block cannot run, tells of later ones that cannot."""
    found = [block for block in blocks(PAGE.read_text()) if (OLD in block.sections) is old]
    if missing := lacking(found[0]):
        pytest.skip(f"this machine has no {' and no '.join(missing)}")
    for section, missing in {block.sections[-1]: lacking(block) for block in found}.items():
        if missing:
            warnings.warn(f"not run: {section}: this machine is or has no {', '.join(missing)}", stacklevel=2)
    return [block for block in found if not lacking(block)]


def test_the_recipe_of_today(reader: Session) -> None:
    typed(wanted(old=False), reader)


def test_the_recipe_of_2024(reader: Session) -> None:
    typed(wanted(old=True), reader)
