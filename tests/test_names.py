"""Names derived from folders."""

from __future__ import annotations

import pytest

from lambent.names import to_app_name


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        *(("Café Ünï", "cafe-uni"), ("a.b__c", "a-b__c"), ("-x-", "x"), ("x" * 80, "x" * 56)),
        *(("日本", ""), ("アプリ１", ""), ("2024", "2024")),
    ],
)
def test_app_name_is_derived_from_a_folder(folder: str, name: str) -> None:
    assert to_app_name(folder) == name
