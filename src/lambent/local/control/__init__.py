"""The Lambda API, derived from botocore's service model: routing, validation, serialization, and AWS-shaped faults."""
