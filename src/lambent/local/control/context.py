"""One request to one operation of the Lambda API."""

from __future__ import annotations

from typing import Any

from msgspec import Struct, field

from lambent.local.control.backend import Backend
from lambent.local.control.faults import missing, stale_revision
from lambent.local.control.reference import FunctionReference, parse_reference
from lambent.local.daemon import ACCOUNT
from lambent.local.http import Request
from lambent.local.store import Document, Record, Store


class RequestContext(Struct, frozen=True):
    """A request with its parameters, already checked against the model.

    `region` is the one the request was signed for. `response_headers` collects headers that the model doesn't know.
    """

    backend: Backend
    request: Request
    params: dict[str, Any]
    request_id: str
    region: str
    account: str = ACCOUNT
    response_headers: list[tuple[str, str]] = field(default_factory=list)

    @property
    def store(self) -> Store:
        return self.backend.store

    def reference(self) -> FunctionReference:
        """Return what FunctionName (and Qualifier, if the operation has one) refers to."""
        return parse_reference(self.params["FunctionName"], self.params.get("Qualifier"), self.region, self.account)

    def find_record(self, reference: FunctionReference) -> Record | None:
        return self.store.get(self.region, reference.name)

    def record(self, reference: FunctionReference, suffix: str = "") -> Record:
        """Return the function's record. Raises Fault "Function not found", with `suffix` after the ARN."""
        record = self.find_record(reference)
        if record is None:
            raise missing(f"Function not found: {reference.arn}{suffix}")
        return record

    def check_revision(self, current: Document, read_operation: str = "GetFunction/GetAlias") -> None:
        """Refuse a RevisionId that isn't the current one. `read_operation` is the one that returns it."""
        revision = self.params.get("RevisionId")
        if revision and revision != current["RevisionId"]:
            raise stale_revision(read_operation)
