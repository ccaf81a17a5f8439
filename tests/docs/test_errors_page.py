"""docs/reference/errors.md lists the error messages of the source."""

from __future__ import annotations

from support.error_page import page
from support.paths import DOCS


def test_the_error_page_is_up_to_date() -> None:
    committed = (DOCS / "reference/errors.md").read_text()
    assert committed == page(), "the error messages have changed: run scripts/error-page and commit docs/reference/errors.md"


def test_every_kind_of_error_is_listed() -> None:
    rows = [line.split(" | ")[1] for line in (DOCS / "reference/errors.md").read_text().splitlines() if line.count(" | ") == 2]
    for kind in ("UsageError", "DetectionError", "PackagingError", "AwsError", "DeployError", "LocalError", "UnconfirmedError"):
        assert kind in rows, kind
    assert len(rows) > 200
