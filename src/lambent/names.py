"""AWS names and ARNs derived from an app, an account and a region."""

from __future__ import annotations

import re
import unicodedata

from msgspec import Struct

from lambent.limits import NAME_MAX

ALIAS = "live"
URL_STATEMENT = "FunctionURLAllowPublicAccess"
INVOKE_STATEMENT = "FunctionURLInvokeAllowPublicAccess"
APP_MAX = NAME_MAX - len("lambent-")  # leaves room for the prefix of the role's name
POLICY = "lambent"  # the inline policy of the role
TAG_APP = "lambent:app"
TAG_MANAGED = "lambent:managed"
ADOPTED = "adopted"  # its value from `lambent adopt` to the first deploy, then "true"
TAG_ORIGIN = "lambent:origin"
TAG_FAILED = "lambent:failed"

EXEC_WRAPPER = "AWS_LAMBDA_EXEC_WRAPPER"
"""The variable that names the program through which Lambda starts the process."""
BOOTSTRAP = "/var/task/lambent_runtime/bootstrap"
"""lambent's, which starts the user's own one (LAMBENT_EXEC_WRAPPER)."""


class Names(Struct, frozen=True):
    """The AWS names of one app in one account and region."""

    app: str
    account: str
    region: str

    @property
    def function(self) -> str:
        return self.app

    @property
    def role(self) -> str:
        return f"lambent-{self.app}"

    @property
    def partition(self) -> str:
        prefixes = {"cn-": "aws-cn", "us-gov-": "aws-us-gov", "eusc-": "aws-eusc"}
        return next((partition for prefix, partition in prefixes.items() if self.region.startswith(prefix)), "aws")

    @property
    def function_arn(self) -> str:
        return f"arn:{self.partition}:lambda:{self.region}:{self.account}:function:{self.function}"

    @property
    def role_arn(self) -> str:
        return f"arn:{self.partition}:iam::{self.account}:role/{self.role}"

    @property
    def basic_policy_arn(self) -> str:
        return self.managed_policy_arn("service-role/AWSLambdaBasicExecutionRole")

    def managed_policy_arn(self, name: str) -> str:
        """Return the ARN of a policy that AWS manages."""
        return f"arn:{self.partition}:iam::aws:policy/{name}"

    @property
    def bucket(self) -> str:
        """The bucket for zips above 50 MB. All apps of an account and region share it."""
        return f"lambent-{self.account}-{self.region}"

    @property
    def uploads(self) -> str:
        """The key prefix for zips with code, which expire after a week."""
        return f"uploads/{self.app}/"

    @property
    def overflow(self) -> str:
        """The key prefix for packages that did not fit into the zip. Not below uploads/, where objects expire."""
        return f"overflow/{self.app}/"

    @property
    def log_group(self) -> str:
        return f"/aws/lambda/{self.function}"


def to_app_name(text: str) -> str:
    """Derive an app name from the name of a folder or project.

    The name has at most 56 characters: lower-case letters without accents, digits, underscores and single hyphens. It is empty
    when no usable character is left, or no letter of several: アプリ１ is not "1".
    """
    plain = "".join(letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter))
    cleaned = re.sub(r"[^A-Za-z0-9_]+", "-", plain).strip("-_").lower()
    if any(map(str.isalpha, text)) and not any(map(str.isalpha, cleaned)):
        return ""
    return re.sub(r"-{2,}", "-", cleaned)[:APP_MAX].rstrip("-_")


def to_part_name(app: str, part: str) -> str:
    """Derive the name of one of several parts of an app. The app's is cut so that the part's own stays, up to half of it."""
    suffix = to_app_name(part)[: APP_MAX // 2]
    return to_app_name(f"{to_app_name(app)[: APP_MAX - len(suffix) - 1]}-{suffix}")


def is_app_name(name: str) -> bool:
    """Return whether AWS accepts this as a function name, with room for the prefix of the role's name."""
    return re.fullmatch(rf"[A-Za-z0-9_-]{{1,{APP_MAX}}}", name) is not None
