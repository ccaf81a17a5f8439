"""JSON from outside."""

from __future__ import annotations

import pytest

from lambent.local.json_input import loads, loads_text


@pytest.mark.parametrize(
    "text", [b"", b"{", b"NaN", b"[-Infinity]", b"[" * 100_000, b'{"a":' * 100_000, b"9" * 10_000, b"\xff"]
)
def test_what_is_not_json_is_a_value_error(text: bytes) -> None:
    with pytest.raises(ValueError):
        loads(text)


def test_half_of_a_surrogate_pair_is_no_text() -> None:
    assert loads_text(b'["\\ud83d\\ude00", "\\\\ud800"]') == ["\U0001f600", "\\ud800"]
    for text in (b'["\\ud800"]', b'{"\\uDFFF": 1}'):
        assert loads(text)
        with pytest.raises(ValueError, match="surrogate"):
            loads_text(text)
