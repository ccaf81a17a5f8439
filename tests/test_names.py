"""Names derived from folders."""

from __future__ import annotations

import pytest

from lambent.names import to_app_name, to_part_name


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        *(("Café Ünï", "cafe-uni"), ("a.b__c", "a-b__c"), ("-x-", "x"), ("x" * 80, "x" * 56)),
        *(("日本", ""), ("アプリ１", ""), ("2024", "2024")),
    ],
)
def test_app_name_is_derived_from_a_folder(folder: str, name: str) -> None:
    assert to_app_name(folder) == name


def test_names_of_parts_differ_however_long_the_name_of_the_app_is() -> None:
    assert to_part_name("My Shop", "List Items") == "my-shop-list-items"
    names = {to_part_name("a" * 80, part) for part in ("one", "two")}
    assert names == {"a" * 52 + "-one", "a" * 52 + "-two"} and to_app_name("a" * 80) not in names
