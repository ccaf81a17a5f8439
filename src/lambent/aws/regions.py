"""What is different in some regions of AWS. Pure; a refusal there gets the reason that AWS does not give."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from lambent.errors import AwsError

OPT_IN = frozenset(
    [
        *("af-south-1", "ap-east-1", "ap-east-2", "ap-south-2", "ap-southeast-3", "ap-southeast-4", "ap-southeast-5"),
        *("ap-southeast-6", "ap-southeast-7", "ca-west-1", "eu-central-2", "eu-south-1", "eu-south-2", "il-central-1"),
        *("me-central-1", "me-south-1", "mx-central-1"),
    ]
)
"""Regions that an account has to be opened to. https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-regions.html"""

WITHOUT_URLS = frozenset(
    [
        *("ap-east-2", "ap-south-2", "ap-southeast-4", "ap-southeast-5", "ap-southeast-6", "ap-southeast-7", "ca-west-1"),
        *("cn-northwest-1", "eu-central-2", "il-central-1", "me-central-1", "mx-central-1", "us-gov-east-1", "us-gov-west-1"),
    ]
)
"""Regions where CloudFormation had no AWS::Lambda::Url in November 2026 (the schemas in cfn-lint 1.58)."""

_UNKNOWN_KEY = {"InvalidClientTokenId", "UnrecognizedClientException", "AuthFailure"}


def explained(error: AwsError, region: str, known: Iterable[str] = ()) -> AwsError:
    """The same error, with what the region has to do with it. `known` are the regions there are."""
    if error.code in _UNKNOWN_KEY and region in OPT_IN:
        error.hint = (
            f"is {region} enabled for this account? It is one that has to be (AWS Regions in the console); {error.hint}"
        )
    elif error.operation == "CreateFunctionUrlConfig" and region in WITHOUT_URLS:
        error.hint = f"{region} had no Function URLs in November 2026: choose another --region"
    elif error.code in ("EndpointConnectionError", "InvalidRegionError") and known and region not in known:
        close = get_close_matches(region, known, 1, 0.6)
        error.what = f"there is no region {region}" + (f", or none that this version knows: {error.what}" if not close else "")
        error.hint = f"--region {close[0] if close else 'us-east-1'}"
    return error
