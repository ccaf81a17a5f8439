"""The Lambda API, derived from botocore's own service model: routing, validation, serialising, and AWS-shaped faults."""

from lambent.local.control.api import Control
from lambent.local.control.interface import Neighbours, Request, Response, S3Fault
from lambent.local.control.service_model import is_lambda

__all__ = ["Control", "Neighbours", "Request", "Response", "S3Fault", "is_lambda"]
