"""What the description of a version says, and what is read from it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambent.config.provenance import Provenance, deployer, describe, parse


@pytest.mark.parametrize(
    ("provenance", "text"),
    [
        (Provenance("a1b2c3d", False, "Fix the total", "ada@laptop"), "a1b2c3d Fix the total [ada@laptop]"),
        (Provenance("a1b2c3d", True, "Fix [1]", "CI"), "a1b2c3d-dirty Fix (1) [CI]"),
        (Provenance(by="ada@laptop"), "[ada@laptop]"),
        (Provenance("a1b2c3d"), "a1b2c3d"),
        (Provenance("a1b2c3d", False, "Two\nlines\x1b[31m", "a"), "a1b2c3d Two lines (31m [a]"),
        (Provenance(), ""),
    ],
)
def test_description(provenance: Provenance, text: str) -> None:
    assert describe(provenance) == text
    assert describe(parse(text)) == text


def test_a_long_subject_is_cut() -> None:
    text = describe(Provenance("a1b2c3d", True, "x" * 400, "ada@laptop"))
    assert len(text) == 256 and text.startswith("a1b2c3d-dirty xxx") and text.endswith("x… [ada@laptop]")
    assert len(describe(Provenance("a1b2c3d", True, "x" * 400, "y" * 400))) <= 256


@given(st.from_regex(r"[0-9a-f]{7,12}", fullmatch=True), st.booleans(), st.text(max_size=300), st.text(max_size=120))
def test_what_is_described_is_read_again(commit: str, dirty: bool, subject: str, by: str) -> None:
    read = parse(describe(Provenance(commit, dirty, subject, by)))
    assert (read.commit, read.dirty) == (commit, dirty)
    assert describe(read) == describe(Provenance(commit, dirty, subject, by))


def test_someone_elses_description_is_all_subject() -> None:
    assert parse("My function, do not touch") == Provenance(subject="My function, do not touch")


@pytest.mark.parametrize(
    ("environ", "by"),
    [
        ({}, "ada@laptop"),
        ({"CI": "true", "GITHUB_ACTIONS": "true", "GITHUB_ACTOR": "grace"}, "GitHub Actions, grace"),
        ({"CI": "1", "GITLAB_CI": "true"}, "GitLab CI"),
        ({"CI": "1"}, "CI"),
    ],
)
def test_who_deploys(environ: dict[str, str], by: str) -> None:
    assert deployer(environ, "ada", "laptop.example.com") == by
