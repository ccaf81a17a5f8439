"""Pages of lists, with markers."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from lambent.local.control.faults import invalid
from lambent.local.store import Document

PAGE_MAX = 50  # AWS's page size for functions, versions, aliases and URLs
Item = TypeVar("Item")


def page(items: Sequence[Item], params: dict[str, Any], name: Callable[[Item], str]) -> tuple[list[Item], Document]:
    """Return one page and its NextMarker, as a document with that member or without.

    The marker holds the name of the last item on the page, so that paging survives changes between two pages.
    """
    start = 0
    if marker := params.get("Marker"):
        try:
            last = base64.b64decode(marker, validate=True).decode()
            start = 1 + [name(item) for item in items].index(last)
        except ValueError:
            raise invalid("Invalid marker") from None
    end = start + min(params.get("MaxItems", PAGE_MAX), PAGE_MAX)
    page_items = list(items[start:end])
    more = {"NextMarker": base64.b64encode(name(page_items[-1]).encode()).decode()} if end < len(items) else {}
    return page_items, more
