"""Refusals in the form that the clients of an AWS service understand, and what moto's own errors mean."""

from __future__ import annotations

import json
import logging
from xml.sax.saxutils import escape

from lambent.local.http import Request, Response, credential_scope

log = logging.getLogger("lambent.aws_services")


def refuse_for(request: Request, error: Exception) -> Response:
    """Return the refusal of a request that ended moto with this error: moto takes for granted what AWS checks."""
    service, region = credential_scope(request)
    service = service or "s3"
    if isinstance(error, KeyError) and error.args == (region,):  # moto has a table of regions for each service
        return refuse_in_form(request, 400, "InvalidRegion", f"there is no region {region}")
    if isinstance(error, RecursionError):
        return refuse_in_form(request, 400, "SerializationException", "the request is nested too deeply")
    if isinstance(error, ModuleNotFoundError):
        message = f"the local {service} needs the package {error.name}: install lambent[services]"
        return refuse_in_form(request, 501, "NotImplementedException", message)
    if isinstance(error, NotImplementedError):
        return refuse_in_form(request, 501, "NotImplementedException", f"moto, which answers for {service} here: {error}")
    log.warning("%s %s: moto can't process this request for %s: %r", request.method, request.path, service, error)
    message = f"moto, which answers for {service} here, can't process this request: {error!r}"
    return refuse_in_form(request, 400, "ValidationException", message)


def refuse_in_form(request: Request, status: int, code: str, message: str) -> Response:
    """Return a refusal in the form that the service's clients understand. Unsigned requests are S3's."""
    service = credential_scope(request)[0] or "s3"
    if service not in ("s3", "iam", "sts", "sns"):
        return _refuse(status, code, message)
    error = f"<Error><Code>{code}</Code><Message>{escape(message)}</Message></Error>"
    body = error if service == "s3" else f"<ErrorResponse>{error}</ErrorResponse>"
    return Response(status, (("content-type", "text/xml"),), body.encode())


def _refuse(status: int, code: str, message: str) -> Response:
    body = json.dumps({"__type": code, "message": message})
    return Response(status, (("content-type", "application/x-amz-json-1.1"),), body.encode())
