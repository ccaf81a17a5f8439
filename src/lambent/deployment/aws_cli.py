"""Command lines of the aws CLI, and the shell around them. Pure.

The scripts work with both major versions of the aws CLI, and against the local Lambda after `eval "$(lambent local env)"`.
What AWS invents is kept in the shell variables `version` and `url`. `$work` is a temporary folder.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from shlex import quote

from lambent.aws.values import Pairs


def command(service: str, operation: str, *options: str) -> str:
    """Return one command. Its answer goes to a file, which the next command overwrites."""
    return f'{query(service, operation, *options)} >"$work/out"'


def query(service: str, operation: str, *options: str) -> str:
    """Return one command whose answer stays on stdout."""
    return " ".join(map(quote, ("aws", service, operation, *options)))


def function_option(name: str) -> tuple[str, str]:
    return "--function-name", name


def bucket_options(name: str, account: str) -> tuple[str, str, str, str]:
    """Return the options for a bucket that the account owns: S3 denies the call if another account does."""
    return "--bucket", name, "--expected-bucket-owner", account


def alias_options(name: str, alias: str) -> tuple[str, str, str, str]:
    return "--function-name", name, "--qualifier", alias


def tag_list(tags: Pairs) -> tuple[str, str]:
    """Return IAM's form of tags."""
    return "--tags", json.dumps([{"Key": key, "Value": value} for key, value in tags])


def tag_map(tags: Pairs) -> tuple[str, str]:
    """Return the form of tags that Lambda and CloudWatch Logs use."""
    return "--tags", json.dumps(dict(tags))


def retry_while_role_is_new(call: str) -> Iterator[str]:
    """Repeat a command while Lambda can't assume the role, as it can't in a new role's first seconds. Retry nothing else."""
    yield "tries=0"
    yield f'until {call} 2>"$work/error"; do'
    yield "  tries=$((tries + 1))"
    yield '  if [ "$tries" -ge 20 ] || ! grep -q "cannot be assumed" "$work/error"; then cat "$work/error" >&2; exit 1; fi'
    yield "  sleep 3"
    yield "done"
