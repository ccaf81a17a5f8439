"""From app and account to every AWS name and ARN. Pure; nothing here asks anybody."""

from __future__ import annotations

import re
import unicodedata

from msgspec import Struct

from lambent.limits import NAME_MAX

ALIAS = "live"
URL_STATEMENT = "FunctionURLAllowPublicAccess"
INVOKE_STATEMENT = "FunctionURLInvokeAllowPublicAccess"
APP_MAX = NAME_MAX - len("lambent-")  # of an app's name, so that the role's fits too
BASIC_EXECUTION = "service-role/AWSLambdaBasicExecutionRole"
POLICY = "lambent"  # the one inside the role
TAG_APP = "lambent:app"
TAG_MANAGED = "lambent:managed"


class Names(Struct, frozen=True):
    """Every name of one app in one account and region."""

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
        if self.region.startswith("cn-"):
            return "aws-cn"
        return "aws-us-gov" if self.region.startswith("us-gov-") else "aws"

    @property
    def function_arn(self) -> str:
        return f"arn:{self.partition}:lambda:{self.region}:{self.account}:function:{self.function}"

    @property
    def alias_arn(self) -> str:
        return f"{self.function_arn}:{ALIAS}"

    @property
    def role_arn(self) -> str:
        return f"arn:{self.partition}:iam::{self.account}:role/{self.role}"

    @property
    def basic_policy_arn(self) -> str:
        return self.managed_policy_arn(BASIC_EXECUTION)

    def managed_policy_arn(self, name: str) -> str:
        """Of a policy that AWS itself keeps."""
        return f"arn:{self.partition}:iam::aws:policy/{name}"

    @property
    def bucket(self) -> str:
        """Where zips above 50 MB go: one for all apps of an account and region."""
        return f"lambent-{self.account}-{self.region}"

    @property
    def overflow(self) -> str:
        """What the keys of an app's archives of packages begin with. Not below uploads/, which are gone after a week."""
        return f"overflow/{self.app}/"

    @property
    def log_group(self) -> str:
        return f"/aws/lambda/{self.function}"


def app_name(raw: str) -> str:
    """A usable app name from a folder or project name: letters without accents, digits and single hyphens, at most 56
    characters.

    Empty when nothing usable is left.
    """
    plain = "".join(letter for letter in unicodedata.normalize("NFKD", raw) if not unicodedata.combining(letter))
    cleaned = re.sub(r"[^A-Za-z0-9_]+", "-", plain).strip("-_").lower()
    return re.sub(r"-{2,}", "-", cleaned)[:APP_MAX].rstrip("-_")


def valid_app_name(name: str) -> bool:
    """Whether AWS takes this as a function name (and we can derive the role's from it)."""
    return re.fullmatch(rf"[A-Za-z0-9_-]{{1,{APP_MAX}}}", name) is not None
