"""`Aws` through botocore, which only this package imports."""

from __future__ import annotations

import os
from typing import Any

import botocore.exceptions
import botocore.session

from lambent.aws.client import AppUrl, no_credentials, no_region, translate_error
from lambent.aws.functions import BotoFunctions
from lambent.aws.interface import Aws
from lambent.aws.logs import BotoLogs
from lambent.aws.roles import BotoRoles
from lambent.aws.storage import BotoStorage
from lambent.aws.traffic import BotoTraffic

# Where botocore looks: (key in the file, environment variable, default, conversion). AWS_REGION counts, as for the aws CLI v2.
_VARIABLES = {"region": ("region", ["AWS_REGION", "AWS_DEFAULT_REGION"], None, None)}
_WITHOUT_FILES = _VARIABLES | {
    "profile": (None, None, None, None),
    "config_file": (None, None, os.devnull, None),
    "credentials_file": (None, None, os.devnull, None),
}


class BotoAws(BotoRoles, BotoFunctions, BotoTraffic, BotoLogs, BotoStorage):
    """Implements `Aws`."""


def connect(
    region: str | None,
    *,
    endpoint_url: str | None = None,
    profile: str | None = None,
    keys: tuple[str, str] | None = None,
    app_url: AppUrl | None = None,
) -> Aws:
    """Return one account in one region, without calling AWS yet.

    `region` None takes the user's configured one, and `endpoint_url` None is the real AWS. `keys` (access key ID, secret) None
    uses botocore's own chain of credentials. With keys, the user's profiles and AWS configuration files aren't read, so
    broken ones do no harm. `app_url` replaces the addresses of URLs.

    Raises AwsError if the profile, the region or the credentials are missing.
    """
    session = botocore.session.Session(session_vars=_VARIABLES if keys is None else _WITHOUT_FILES, profile=profile)
    if keys is not None:
        session.set_credentials(*keys)
    try:
        region = region or session.get_config_variable("region")
        credentials = session.get_credentials()
    except botocore.exceptions.BotoCoreError as error:
        name = session.get_config_variable("profile") or ""
        raise translate_error(error, "configuration", endpoint_url, profile=name) from error
    if credentials is None:
        raise no_credentials(session.get_config_variable("profile") or "")
    if not region:
        raise no_region()
    return BotoAws(session, region, endpoint_url, app_url)


def make_client(service: str, region: str, endpoint_url: str, keys: tuple[str, str]) -> Any:
    """Return botocore's own client of a service, for other people's code. The user's AWS configuration isn't read."""
    session = botocore.session.Session(session_vars=_WITHOUT_FILES)
    session.set_credentials(*keys)
    return session.create_client(service, region_name=region, endpoint_url=endpoint_url)
