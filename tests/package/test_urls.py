"""URLs without credentials."""

from __future__ import annotations

import pytest

from lambent.package.urls import printable_url, without_credentials


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://me:secret@example.org/simple", "https://example.org/simple"),
        ("https://me:p@ss@example.org/simple", "https://example.org/simple"),
        ("-i https://me@one/ --extra-index-url http://two/x", "-i https://one/ --extra-index-url http://two/x"),
        ("git+ssh://git@example.org/demo.git", "git+ssh://git@example.org/demo.git"),
        ("demo@1.0", "demo@1.0"),
    ],
)
def test_credentials_are_removed(text: str, expected: str) -> None:
    assert without_credentials(text) == expected


def test_printable_url_has_neither_credentials_nor_query() -> None:
    assert printable_url("https://me:secret@example.org:8080/demo.whl?signature=x#y") == "https://example.org:8080/demo.whl"
