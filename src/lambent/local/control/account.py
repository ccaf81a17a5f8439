"""The account's limits and usage."""

from __future__ import annotations

from lambent.limits import UNZIPPED_MAX, ZIP_DIRECT_MAX
from lambent.local.control.context import RequestContext
from lambent.local.control.reserved_concurrency import ACCOUNT_CONCURRENCY, unreserved
from lambent.local.control.versions import all_versions
from lambent.local.store import Document

CODE_STORAGE = 75 * 1024**3  # dg:gettingstarted-limits


async def get_account_settings(context: RequestContext) -> Document:
    records = context.store.records(context.region)
    layers = context.store.layers.in_region(context.region)
    return {
        "AccountLimit": {
            "TotalCodeSize": CODE_STORAGE,
            "CodeSizeUnzipped": UNZIPPED_MAX,
            "CodeSizeZipped": ZIP_DIRECT_MAX,
            "ConcurrentExecutions": ACCOUNT_CONCURRENCY,
            "UnreservedConcurrentExecutions": unreserved(context),
        },
        "AccountUsage": {
            "TotalCodeSize": sum(version["CodeSize"] for record in records for version in all_versions(record))
            + sum(version["Content"]["CodeSize"] for layer in layers for version in layer.versions.values()),
            "FunctionCount": len(records),
        },
    }
