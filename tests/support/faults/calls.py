"""Identifies the AWS call of an HTTP request: its service and operation, parsed as AWS does."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from urllib.parse import parse_qs, urlsplit

import botocore.session
from msgspec import Struct

# IAM's name of an operation, where it isn't service:Operation.
_ACTIONS = {
    "Invoke": "lambda:InvokeFunction",
    "InvokeWithResponseStream": "lambda:InvokeFunction",
    "HeadBucket": "s3:ListBucket",
    "HeadObject": "s3:GetObject",
    "PutPublicAccessBlock": "s3:PutBucketPublicAccessBlock",
}


class Call(Struct, frozen=True):
    """One call. `attempt` counts botocore's own attempts from 1, and `label` is unique within a run."""

    service: str
    operation: str
    label: str
    attempt: int

    @property
    def action(self) -> str:
        """The IAM action that allows it."""
        return _ACTIONS.get(self.operation, f"{self.service}:{self.operation}")


def identify(method: str, target: str, headers: Mapping[str, str], body: bytes) -> tuple[str, str, str]:
    """Return the service, the operation, and what tells calls of the operation apart, such as the qualifier."""
    credential = re.search(r"Credential=[^/]+/\d+/[^/]+/([^/]+)/", headers.get("authorization", ""))
    service = credential[1] if credential else "?"
    if "x-amz-target" in headers:
        return service, headers["x-amz-target"].rpartition(".")[2], ""
    if service in ("iam", "sts"):
        return service, parse_qs(body.decode())["Action"][0], ""
    parts = urlsplit(target)
    query = parse_qs(parts.query, keep_blank_values=True)
    if service == "s3":
        return service, _s3(method, parts.path, set(query)), ""
    return service, _lambda(method, parts.path), query.get("Qualifier", [""])[0]


def _s3(method: str, path: str, query: set[str]) -> str:
    for key, name in (
        ("publicAccessBlock", "PublicAccessBlock"),
        ("tagging", "BucketTagging"),
        ("lifecycle", "LifecycleConfiguration"),
    ):
        if key in query:
            return f"{'Put' if method == 'PUT' else 'Get'}{name}"
    if "list-type" in query:
        return "ListBucket"
    kind = "Object" if path.strip("/").count("/") else "Bucket"
    return {"PUT": "Create" if kind == "Bucket" else "Put", "HEAD": "Head", "DELETE": "Delete", "GET": "Get"}[method] + kind


@cache
def _routes() -> list[tuple[str, re.Pattern[str], str]]:
    model = botocore.session.Session().get_service_model("lambda")
    routes = []
    for name in model.operation_names:
        http = model.operation_model(name).http
        path = http["requestUri"].partition("?")[0].rstrip("/")
        # Longer patterns first: .../functions/{FunctionName}/aliases before .../functions/{FunctionName}.
        routes.append((http["method"], re.compile(re.sub(r"\\{[^}]+\\}", "[^/]+", re.escape(path)) + "/?"), name))
    return routes


def _lambda(method: str, path: str) -> str:
    return next((name for verb, pattern, name in _routes() if verb == method and pattern.fullmatch(path)), f"{method} {path}")
