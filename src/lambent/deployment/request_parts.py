"""What a handler needs of its requests and the check's, GET /, doesn't have: a body, a query, a header of its own. Pure.

A handler that fails for that reason has started and runs, and only its callers know the requests that it takes.
"""

from __future__ import annotations

import re

from lambent.deployment.failure import Failure

_NAMES = {"body": "a body", "queryStringParameters": "a query", "cookies": "cookies", "headers": "headers of its own"}
"""Members of the event of a Function URL that depend on the request, each in words."""
_PATH = "a parameter in the path"
_READS_PATH = re.compile(r"\bpathParameters\b|\bpath_?param(?:eter)?s\b", re.IGNORECASE)

_IN_VARIABLES = {
    "a query": re.compile(r"\b(?:query(?:_?string)?(?:_?param(?:eter)?s)?|(?:query_)?params|parameters|qs)\b", re.IGNORECASE),
    "a body": re.compile(r"\b(?:\w+_)?body\b"),
    "headers of its own": re.compile(r"\bheaders\b"),
}
"""The usual names of variables that hold such a member."""

_ERRORS = re.compile(r"\b(?:KeyError|TypeError|AttributeError|JSONDecodeError)\b")
_MEMBER = re.compile(rf"""\b\w+(?:\[\s*|\.get\(\s*)['"]({"|".join(_NAMES)})['"]""")
_OTHER_MEMBER = re.compile(r"""\bevent(?:\[\s*|\.get\(\s*)['"]""")
_HEADER = r"[Cc]ontent-[Tt]ype|[Aa]uthorization|[Xx]-(?!(?i:forwarded|amzn)-)[\w-]+"
"""A header that the check doesn't have. Every request to a Function URL has those of proxies."""
_LOGGED = re.compile(
    rf"""(?m)(?<!\w)['"](body|queryStringParameters|{_HEADER})['"](?=\)?(?:"|\s*$))|the JSON object must be str"""
)
"""What a handler that catches the exception says of it, `str(KeyError("body"))`, at the end of its message.

Elsewhere, a quoted name may belong to a list of what the event has, or to another service's message.
"""
_IN_RESPONSE = re.compile(r"""(?<!\w)['"](body|queryStringParameters)['"](?!\w|\s*:)""")
"""The same in a response, where it may be part of JSON."""
_PRINTED = re.compile(r"""(?m)^['"](body|queryStringParameters|headers)['"]$""")
"""What one prints of it before it raises an exception of its own."""
_INVALID = re.compile(r"(?!Param)\w*Validat\w*|JsonSchema\w*")
"""Errors of what checks a whole request: Powertools, pydantic, jsonschema. botocore's ParamValidationError is about another."""
_IN_VALIDATION = re.compile(rf"\b({'|'.join((*_NAMES, 'pathParameters'))})\b")


def missing_part(failure: Failure) -> str:
    """Return what the request of the check lacks, in words, if the handler failed for that reason. Else ""."""
    if ", in <module>" in failure.traceback:
        return ""  # it did not start
    if _INVALID.match(failure.error_type) and (match := _IN_VALIDATION.search(failure.message)):
        return _NAMES.get(match[1], _PATH)
    line = failure.source_line
    if not line or not _ERRORS.search(f"{failure.error_type} {failure.exception}"):
        if failure.status and not line:
            match = _IN_RESPONSE.search(failure.body) or _LOGGED.search(f"{failure.body}\n{failure.lines}")
        else:
            match = _PRINTED.search(failure.lines)
        return _NAMES.get(match[1] or "body", _NAMES["headers"]) if match else ""
    if match := _MEMBER.search(line):
        return _NAMES[match[1]]
    if _READS_PATH.search(line) and _takes_paths(failure):
        return _PATH
    if _OTHER_MEMBER.search(line):
        return ""
    return next((part for part, names in _IN_VARIABLES.items() if names.search(line)), "")


def _takes_paths(failure: Failure) -> bool:
    """Return whether the runtime gives the handler the parameters of paths: see `runtime/rest_api.py`."""
    return " " in dict(failure.settings.environment).get("LAMBENT_PAYLOAD", "")
