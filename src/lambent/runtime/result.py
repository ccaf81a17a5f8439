"""From what a bare handler returns to what is posted: JSON as AWS's client writes it, which uses simplejson.

So Decimal becomes a number, a named tuple an object, bytes within a value UTF-8 text, and NaN is let through; letters beyond
ASCII are escaped up to Python 3.11 and not from 3.12 (awslambdaric, lambda_runtime_marshaller.py).
"""

from __future__ import annotations

import posix
import sys

from .environment import variable
from .fault import Fault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

try:
    from _json import encode_basestring, encode_basestring_ascii, make_encoder
except ImportError:  # not CPython
    from json.encoder import py_encode_basestring as encode_basestring  # type: ignore[attr-defined,no-redef,unused-ignore]
    from json.encoder import py_encode_basestring_ascii as encode_basestring_ascii  # type: ignore[attr-defined,no-redef,unused-ignore]

    make_encoder = None  # type: ignore[assignment,misc,unused-ignore]

_ESCAPING = ("AWS_Lambda_python3.12", "AWS_Lambda_python3.13", "AWS_Lambda_python3.14", "AWS_Lambda_python3.15")
_SCALARS = frozenset((str, int, float, bool, type(None)))


def marshaller() -> Callable[[Any], tuple[bytes, str]]:
    """A function that gives the body to post and its type. It raises Fault (Runtime.MarshalError) for what is not JSON."""
    escaped = variable("AWS_EXECUTION_ENV") not in _ESCAPING

    def marshal(result: Any) -> tuple[bytes, str]:
        if isinstance(result, bytes):
            return result, "application/unknown"
        try:
            return to_json(result, escaped=escaped).encode(), "application/json"
        except Exception as error:
            raise Fault("Runtime.MarshalError", f"Unable to marshal response: {error}") from None

    return marshal


def to_json(value: Any, *, escaped: bool) -> str:
    """Raises TypeError or ValueError, in json's words, for what has no JSON form."""
    numbers = _Numbers()
    try:
        text = _encode(value, numbers, escaped=escaped)
    except TypeError as error:
        if not str(error).startswith("keys must be"):
            raise
        text = _encode(_plain(value), numbers, escaped=escaped)
    else:
        if _has_named_tuples(value):
            text = _encode(_plain(value), numbers, escaped=escaped)
    return numbers.bare(text)


class _Numbers:
    """Decimals go through the encoder as marked text, as it has no way to write a number by other means than float."""

    mark = ""

    def default(self, value: Any) -> Any:
        """What the encoder does not know."""
        if isinstance(value, bytes):
            return value.decode()
        if callable(getattr(value, "_asdict", None)):
            return value._asdict()
        decimal = sys.modules.get("decimal")
        if decimal is not None and isinstance(value, decimal.Decimal):
            return self._number(value)
        raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")

    def _number(self, value: Any) -> Any:
        if value.is_nan():
            return float("nan")
        if not self.mark:
            self.mark = posix.urandom(16).hex()
        return f"{self.mark}<{value}>{self.mark}"

    def bare(self, text: str) -> str:
        """The text with its numbers freed from mark and quotes."""
        if not self.mark:
            return text
        return text.replace(f'"{self.mark}<', "").replace(f'>{self.mark}"', "")


def _encode(value: Any, numbers: _Numbers, *, escaped: bool) -> str:
    quote = encode_basestring_ascii if escaped else encode_basestring
    if make_encoder is None:
        import json

        return json.dumps(value, ensure_ascii=escaped, default=numbers.default)
    encoder = make_encoder({}, numbers.default, quote, None, ": ", ", ", False, False, True)
    return "".join(encoder(value, 0))


def _has_named_tuples(value: Any) -> bool:
    """The C encoder takes them for lists, without asking. `value` has been encoded, so it holds no cycle."""
    kind = type(value)
    if kind in _SCALARS:
        return False
    waiting = [value]
    while waiting:
        each = waiting.pop()
        kind = type(each)
        if kind is list or kind is tuple:
            waiting += [inner for inner in each if type(inner) not in _SCALARS]
        elif isinstance(each, dict):
            waiting += [inner for inner in each.values() if type(inner) not in _SCALARS]
        elif isinstance(each, tuple) and callable(getattr(each, "_asdict", None)):
            return True
        elif isinstance(each, (list, tuple)):
            waiting += each
        elif callable(getattr(each, "_asdict", None)):
            waiting.append(each._asdict())
    return False


def _plain(value: Any) -> Any:
    """The same with named tuples as dicts, and with keys of bytes as text."""
    if not isinstance(value, (list, dict)) and callable(getattr(value, "_asdict", None)):
        value = value._asdict()
    if isinstance(value, dict):
        return {key.decode() if isinstance(key, bytes) else key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    return value
