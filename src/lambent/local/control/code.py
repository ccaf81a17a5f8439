"""A function's code: from the request or S3, checked, kept; and UpdateFunctionCode's source."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from typing import Any

from msgspec import Struct

from lambent.limits import UNZIPPED_MAX, ZIP_DIRECT_MAX
from lambent.local.control.context import Call
from lambent.local.control.faults import Fault, invalid, not_built
from lambent.local.control.interface import S3Fault
from lambent.local.store import Document
from lambent.local.unpack import BadArchive, TooLarge

NOT_A_ZIP = "Could not unzip uploaded file. Please check your file, then try to upload again."


class Package(Struct, frozen=True):
    """A zip and its sha256 (hex)."""

    body: bytes
    sha: str

    def members(self) -> Document:
        """What a configuration says of it."""
        return {"CodeSha256": base64.b64encode(bytes.fromhex(self.sha)).decode(), "CodeSize": len(self.body)}


def package(body: bytes) -> Package:
    return Package(body, hashlib.sha256(body).hexdigest())


async def fetch(call: Call, code: dict[str, Any]) -> Package:
    """The zip out of the members ZipFile or S3Bucket, S3Key, S3ObjectVersion. Raises Fault."""
    if code.get("ImageUri"):
        raise not_built("container images (ImageUri)")
    if code.get("S3ObjectStorageMode", "COPY") != "COPY" or code.get("SourceKMSKeyArn"):
        raise not_built("code that stays in S3 (S3ObjectStorageMode, SourceKMSKeyArn)")
    if "ZipFile" in code:
        body: bytes = code["ZipFile"]
        if len(body) > ZIP_DIRECT_MAX:
            raise Fault("RequestEntityTooLargeException", f"Zipped size must be smaller than {ZIP_DIRECT_MAX} bytes")
        return await asyncio.to_thread(package, body)
    if not code.get("S3Bucket") or not code.get("S3Key"):
        raise invalid("Please provide a source for function code.")
    return await asyncio.to_thread(_from_s3, call, code)


def _from_s3(call: Call, code: dict[str, Any]) -> Package:
    place = call.request.region, code["S3Bucket"], code["S3Key"], code.get("S3ObjectVersion")
    try:
        return package(call.parts.neighbours.s3_object(*place))
    except S3Fault as refused:
        lead = "Error occurred while GetObject. "
        raise invalid(f"{lead}S3 Error Code: {refused.code}. S3 Error Message: {refused.message}") from None


async def keep(call: Call, code: Package) -> None:
    """Puts a zip into the store. Raises Fault when it is none, or too large."""
    try:
        await asyncio.to_thread(call.store.put_code, code.body)
    except TooLarge:
        raise invalid(f"Unzipped size must be smaller than {UNZIPPED_MAX} bytes") from None
    except BadArchive:
        raise invalid(NOT_A_ZIP) from None
