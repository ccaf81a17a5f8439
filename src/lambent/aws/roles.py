"""IAM: the function's role and what it may do."""

from __future__ import annotations

import json
from typing import Any

from lambent.aws.client import AwsClient, pairs
from lambent.aws.values import TRUST, Pairs, Role, canonical


class BotoRoles(AwsClient):
    """Implements `Roles`."""

    def role(self, name: str) -> Role | None:
        answer = self._find("iam", "get_role", RoleName=name)
        if answer is None:
            return None
        role = answer["Role"]
        trusts = _trusts_lambda(role.get("AssumeRolePolicyDocument"))
        tags = {tag["Key"]: tag["Value"] for tag in role.get("Tags", ())}
        return Role(name, role["Arn"], trusts, pairs(tags))

    def create_role(self, name: str, tags: Pairs) -> None:
        listed = [{"Key": key, "Value": value} for key, value in tags]
        self._call("iam", "create_role", RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST), Tags=listed)

    def tag_role(self, name: str, tags: Pairs) -> None:
        self._call("iam", "tag_role", RoleName=name, Tags=[{"Key": key, "Value": value} for key, value in tags])

    def trust_lambda(self, role: str) -> None:
        self._call("iam", "update_assume_role_policy", RoleName=role, PolicyDocument=json.dumps(TRUST))

    def delete_role(self, role: str) -> None:
        self._find("iam", "delete_role", RoleName=role)

    def attached_policies(self, role: str) -> tuple[str, ...]:
        answer = self._find("iam", "list_attached_role_policies", RoleName=role)
        return tuple(policy["PolicyArn"] for policy in (answer or {}).get("AttachedPolicies", ()))

    def attach_policy(self, role: str, arn: str) -> None:
        self._call("iam", "attach_role_policy", RoleName=role, PolicyArn=arn)

    def detach_policy(self, role: str, arn: str) -> None:
        self._find("iam", "detach_role_policy", RoleName=role, PolicyArn=arn)

    def inline_policies(self, role: str) -> tuple[str, ...]:
        return tuple((self._find("iam", "list_role_policies", RoleName=role) or {}).get("PolicyNames", ()))

    def inline_policy(self, role: str, name: str) -> str:
        answer = self._find("iam", "get_role_policy", RoleName=role, PolicyName=name)
        return canonical(answer["PolicyDocument"]) if answer else ""

    def put_inline_policy(self, role: str, name: str, document: str) -> None:
        self._call("iam", "put_role_policy", RoleName=role, PolicyName=name, PolicyDocument=document)

    def delete_inline_policy(self, role: str, name: str) -> None:
        self._find("iam", "delete_role_policy", RoleName=role, PolicyName=name)


def _trusts_lambda(document: Any) -> bool:
    policy = json.loads(document) if isinstance(document, str) else document or {}
    statements = policy.get("Statement", [])
    for statement in [statements] if isinstance(statements, dict) else statements:
        principal = statement.get("Principal", {})
        services = principal.get("Service", []) if isinstance(principal, dict) else []
        if statement.get("Effect") == "Allow" and "lambda.amazonaws.com" in (
            [services] if isinstance(services, str) else services
        ):
            return True
    return False
