"""From a handler's result to the body that is posted: JSON as AWS's client writes it with simplejson.

A Decimal becomes a number, a named tuple an object, bytes inside a value UTF-8 text, and NaN is allowed. Non-ASCII characters
are escaped up to Python 3.11 and not from 3.12 on (awslambdaric, lambda_runtime_marshaller.py).
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

_UNESCAPED = ("AWS_Lambda_python3.12", "AWS_Lambda_python3.13", "AWS_Lambda_python3.14", "AWS_Lambda_python3.15")
_SCALARS = frozenset((str, int, float, bool, type(None)))


def marshaller() -> Callable[[Any], tuple[bytes, str]]:
    """Return a function from a result to the body to post and its type. It raises Fault if the result isn't JSON."""
    escaped = variable("AWS_EXECUTION_ENV") not in _UNESCAPED

    def marshal(result: Any) -> tuple[bytes, str]:
        if isinstance(result, bytes):
            return result, "application/unknown"
        try:
            return to_json(result, escaped=escaped).encode(), "application/json"
        except Exception as error:
            raise Fault("Runtime.MarshalError", f"Unable to marshal response: {error}") from None

    return marshal


def to_json(value: Any, *, escaped: bool) -> str:
    """Encode a value. Raise TypeError or ValueError, in json's words, if it has no JSON form."""
    numbers = _Decimals()
    try:
        text = _encode(value, numbers, escaped=escaped)
    except TypeError as error:
        if not str(error).startswith("keys must be"):
            raise
        text = _encode(_plain(value), numbers, escaped=escaped)
    else:
        if _has_named_tuples(value):
            text = _encode(_plain(value), numbers, escaped=escaped)
    return numbers.unmark(text)


class _Decimals:
    """Passes Decimals through the encoder as marked text, since it can only write floats and ints as numbers."""

    marker = ""

    def default(self, value: Any) -> Any:
        """Convert a value that the encoder can't."""
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
        if not self.marker:
            self.marker = posix.urandom(16).hex()
        return f"{self.marker}<{value}>{self.marker}"

    def unmark(self, text: str) -> str:
        """Remove the markers and quotes around numbers."""
        if not self.marker:
            return text
        return text.replace(f'"{self.marker}<', "").replace(f'>{self.marker}"', "")


def _encode(value: Any, numbers: _Decimals, *, escaped: bool) -> str:
    quote = encode_basestring_ascii if escaped else encode_basestring
    if make_encoder is None:
        import json

        return json.dumps(value, ensure_ascii=escaped, default=numbers.default)
    encoder = make_encoder({}, numbers.default, quote, None, ": ", ", ", False, False, True)
    return "".join(encoder(value, 0))


def _has_named_tuples(value: Any) -> bool:
    """Return whether named tuples are inside: the C encoder writes them as lists. `value` holds no cycle: it was encoded."""
    kind = type(value)
    if kind in _SCALARS:
        return False
    stack = [value]
    while stack:
        item = stack.pop()
        kind = type(item)
        if kind is list or kind is tuple:
            stack += [inner for inner in item if type(inner) not in _SCALARS]
        elif isinstance(item, dict):
            stack += [inner for inner in item.values() if type(inner) not in _SCALARS]
        elif isinstance(item, tuple) and callable(getattr(item, "_asdict", None)):
            return True
        elif isinstance(item, (list, tuple)):
            stack += item
        elif callable(getattr(item, "_asdict", None)):
            stack.append(item._asdict())
    return False


def _plain(value: Any) -> Any:
    """Return the value with named tuples as dicts and bytes keys as text."""
    if not isinstance(value, (list, dict)) and callable(getattr(value, "_asdict", None)):
        value = value._asdict()
    if isinstance(value, dict):
        return {key.decode() if isinstance(key, bytes) else key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    return value
