"""A function's code: taken from the request or from S3, checked, and put into the store."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import logging
from typing import Any

from msgspec import Struct

from lambent.limits import UNZIPPED_MAX, ZIP_DIRECT_MAX
from lambent.local.aws_services import S3Fault
from lambent.local.control.context import RequestContext
from lambent.local.control.faults import Fault, invalid, not_supported
from lambent.local.store import Document
from lambent.local.unpack import BadArchive, TooLarge

log = logging.getLogger(__name__)

NOT_A_ZIP = "Could not unzip uploaded file. Please check your file, then try to upload again."


class CodeZip(Struct, frozen=True):
    """A zip and its sha256 (hex)."""

    body: bytes
    sha: str

    def members(self) -> Document:
        """Return the members of a configuration that describe it."""
        return {"CodeSha256": base64.b64encode(bytes.fromhex(self.sha)).decode(), "CodeSize": len(self.body)}


def code_zip(body: bytes) -> CodeZip:
    return CodeZip(body, hashlib.sha256(body).hexdigest())


async def fetch_code(context: RequestContext, source: dict[str, Any]) -> CodeZip:
    """Return the zip from the members ZipFile or S3Bucket, S3Key, S3ObjectVersion. Raises Fault."""
    if source.get("ImageUri"):
        raise not_supported("container images (ImageUri)")
    if source.get("S3ObjectStorageMode", "COPY") != "COPY" or source.get("SourceKMSKeyArn"):
        raise not_supported("code that stays in S3 (S3ObjectStorageMode, SourceKMSKeyArn)")
    if "ZipFile" in source:
        body: bytes = source["ZipFile"]
        if len(body) > ZIP_DIRECT_MAX:
            raise Fault("RequestEntityTooLargeException", f"Zipped size must be smaller than {ZIP_DIRECT_MAX} bytes")
        return await asyncio.to_thread(code_zip, body)
    if not source.get("S3Bucket") or not source.get("S3Key"):
        raise invalid("Please provide a source for function code.")
    return await asyncio.to_thread(_from_s3, context, source)


def _from_s3(context: RequestContext, source: dict[str, Any]) -> CodeZip:
    bucket, key, version = source["S3Bucket"], source["S3Key"], source.get("S3ObjectVersion")
    try:
        return code_zip(context.backend.aws_services.s3_object(bucket, key, version))
    except S3Fault as fault:
        lead = "Error occurred while GetObject. "
        raise invalid(f"{lead}S3 Error Code: {fault.code}. S3 Error Message: {fault.message}") from None


async def store_code(context: RequestContext, code: CodeZip) -> None:
    """Put a zip into the store. Raises Fault if it isn't a zip, or is too large."""
    try:
        await asyncio.to_thread(context.store.code.add, code.body)
    except TooLarge:
        raise invalid(f"Unzipped size must be smaller than {UNZIPPED_MAX} bytes") from None
    except BadArchive as error:
        log.info("refused a zip of %d bytes: %s", len(code.body), error)
        raise invalid(NOT_A_ZIP) from None
