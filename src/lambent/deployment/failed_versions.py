"""Versions that failed their check, in a tag of the function: a version itself can't be changed once it is published.

lambent:failed = 3 7
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from lambent.aws.interface import Aws
from lambent.aws.values import Pairs
from lambent.errors import AwsError
from lambent.names import TAG_FAILED, Names

_KEPT = 40  # of which each takes at most six of the tag's 256 characters


def failed_versions(tags: Pairs) -> frozenset[str]:
    """Return the versions that a function's tags call failed. Pure."""
    return frozenset(dict(tags).get(TAG_FAILED, "").split())


def record_failure(aws: Aws, names: Names, version: str) -> None:
    """Call a version failed. A refusal is ignored: the failure itself is about to be shown."""
    with suppress(AwsError):
        function = aws.function(names.function)
        failed = failed_versions(function.tags) if function else frozenset()
        if function is not None and version not in failed:
            aws.tag(names.function_arn, ((TAG_FAILED, _join({*failed, version})),))


def record_success(aws: Aws, names: Names, version: str, failed: frozenset[str]) -> None:
    """Take a version off the list of those that `failed`. A refusal is ignored, as the version works."""
    if version not in failed:
        return
    rest = failed - {version}
    with suppress(AwsError):
        if rest:
            aws.tag(names.function_arn, ((TAG_FAILED, _join(rest)),))
        else:
            aws.untag(names.function_arn, (TAG_FAILED,))


def _join(versions: Iterable[str]) -> str:
    return " ".join(sorted(versions, key=int)[-_KEPT:])
