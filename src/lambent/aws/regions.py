"""What is different in some AWS regions, and the reasons for refusals there, which AWS doesn't give. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from lambent.errors import AwsError

OPT_IN = frozenset(
    [
        *("af-south-1", "ap-east-1", "ap-east-2", "ap-south-2", "ap-southeast-3", "ap-southeast-4", "ap-southeast-5"),
        *("ap-southeast-6", "ap-southeast-7", "ca-west-1", "eu-central-2", "eu-south-1", "eu-south-2", "il-central-1"),
        *("me-central-1", "me-south-1", "me-west-1", "mx-central-1", "sa-west-1"),
    ]
)
"""Regions that must be enabled for an account. https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-regions.html"""

WITHOUT_URLS = frozenset(
    [
        *("ap-east-2", "ap-south-2", "ap-southeast-4", "ap-southeast-5", "ap-southeast-6", "ap-southeast-7", "ca-west-1"),
        *("cn-northwest-1", "eu-central-2", "il-central-1", "me-central-1", "mx-central-1", "us-gov-east-1", "us-gov-west-1"),
    ]
)
"""Regions where CloudFormation had no AWS::Lambda::Url in November 2026 (the schemas in cfn-lint 1.58)."""

WITHOUT_SNAPSTART = frozenset(("ap-southeast-6", "ap-east-2"))
"""Regions where AWS had no SnapStart in November 2026. https://docs.aws.amazon.com/lambda/latest/dg/snapstart.html"""

_UNKNOWN_KEY = {"InvalidClientTokenId", "UnrecognizedClientException", "AuthFailure"}


def explain_region(error: AwsError, region: str, regions: Iterable[str] = ()) -> AwsError:
    """Add to the error what the region has to do with it. `regions` are the existing ones."""
    if error.code in _UNKNOWN_KEY and region in OPT_IN:
        enable = f"check that {region} is enabled for this account (AWS Regions in the console)"
        error.hint = f"{enable}; {error.hint}"
    elif error.operation == "CreateFunctionUrlConfig" and region in WITHOUT_URLS:
        error.hint = f"{region} had no Function URLs in November 2026: choose another --region"
    elif error.code in ("EndpointConnectionError", "InvalidRegionError") and regions and region not in regions:
        similar = get_close_matches(region, regions, 1, 0.6)
        unknown = "" if similar else f", or this version of lambent doesn't know it: {error.what}"
        error.what = f"there is no region {region}{unknown}"
        error.hint = f"--region {similar[0] if similar else 'us-east-1'}"
    return error
