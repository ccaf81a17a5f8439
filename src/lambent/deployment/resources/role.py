"""The IAM role: what the function is to AWS, and what it may do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, ClassVar

from lambent.aws.error_codes import ROLE_EXISTS, ROLE_IN_USE
from lambent.aws.interface import Aws
from lambent.aws.values import TRUST, Pairs, canonical
from lambent.deployment import aws_cli
from lambent.deployment.deployment import Deployment, stale_if_exists
from lambent.deployment.desired import Desired
from lambent.deployment.export.placeholders import Expression
from lambent.deployment.observed import Observed
from lambent.deployment.step import ApiCall, Deletion, PlanPart, Step, because
from lambent.errors import AwsError, DeployError
from lambent.events import PlannedLine
from lambent.limits import INLINE_MAX
from lambent.names import POLICY, TAG_ORIGIN
from lambent.units import count


class CreateRole(Step, frozen=True):
    actions: ClassVar = ("iam:CreateRole", "iam:TagRole")
    role: str
    tags: Pairs

    @property
    def title(self) -> str:
        return f"create role {self.role}"

    def apply(self, deployment: Deployment) -> None:
        with stale_if_exists(ROLE_EXISTS):
            deployment.aws.create_role(self.role, self.tags)

    def shell(self) -> Iterator[str]:
        trust = ("--assume-role-policy-document", json.dumps(TRUST))
        yield aws_cli.command("iam", "create-role", "--role-name", self.role, *trust, *aws_cli.tag_list(self.tags))
        yield aws_cli.query("iam", "wait", "role-exists", "--role-name", self.role)


class TagRole(ApiCall, frozen=True):
    """Sets the tag that says which project the role belongs to."""

    actions: ClassVar = ("iam:TagRole",)
    role: str
    tags: Pairs

    @property
    def title(self) -> str:
        return f"tag role {self.role}"

    def call(self, aws: Aws) -> None:
        aws.tag_role(self.role, self.tags)

    def shell(self) -> Iterator[str]:
        yield aws_cli.command("iam", "tag-role", "--role-name", self.role, *aws_cli.tag_list(self.tags))


class TrustLambda(ApiCall, frozen=True):
    actions: ClassVar = ("iam:UpdateAssumeRolePolicy",)
    role: str

    @property
    def title(self) -> str:
        return f"let Lambda assume role {self.role}"

    def call(self, aws: Aws) -> None:
        aws.trust_lambda(self.role)

    def shell(self) -> Iterator[str]:
        trust = ("--policy-document", json.dumps(TRUST))
        yield aws_cli.command("iam", "update-assume-role-policy", "--role-name", self.role, *trust)


class AttachPolicy(ApiCall, frozen=True):
    actions: ClassVar = ("iam:AttachRolePolicy",)
    role: str
    arn: str

    @property
    def title(self) -> str:
        return f"attach {_policy_name(self.arn)}"

    def call(self, aws: Aws) -> None:
        aws.attach_policy(self.role, self.arn)

    def shell(self) -> Iterator[str]:
        yield aws_cli.command("iam", "attach-role-policy", "--role-name", self.role, "--policy-arn", self.arn)


class PutPolicy(ApiCall, frozen=True):
    """Sets the policy inside the role; `document` is its JSON text."""

    actions: ClassVar = ("iam:PutRolePolicy",)
    role: str
    policy: str
    document: str

    @property
    def title(self) -> str:
        return f"set the permissions of role {self.role}"

    def call(self, aws: Aws) -> None:
        aws.put_inline_policy(self.role, self.policy, self.document)

    def shell(self) -> Iterator[str]:
        policy = ("--policy-name", self.policy, "--policy-document", self.document)
        yield aws_cli.command("iam", "put-role-policy", "--role-name", self.role, *policy)


class DeletePolicy(ApiCall, frozen=True):
    actions: ClassVar = ("iam:DeleteRolePolicy",)
    role: str
    policy: str

    @property
    def title(self) -> str:
        return f"remove the permissions of role {self.role}"

    def call(self, aws: Aws) -> None:
        aws.delete_inline_policy(self.role, self.policy)

    def shell(self) -> Iterator[str]:
        yield aws_cli.command("iam", "delete-role-policy", "--role-name", self.role, "--policy-name", self.policy)


class DeleteRole(Deletion, frozen=True):
    """AWS deletes only an empty role, so its policies are removed first."""

    actions: ClassVar = ("iam:DeleteRole", "iam:DetachRolePolicy", "iam:DeleteRolePolicy")
    role: str

    @property
    def title(self) -> str:
        return f"delete role {self.role}"

    def delete(self, aws: Aws) -> None:
        for arn in aws.attached_policies(self.role):
            aws.detach_policy(self.role, arn)
        for policy in aws.inline_policies(self.role):
            aws.delete_inline_policy(self.role, policy)
        try:
            aws.delete_role(self.role)
        except AwsError as error:
            if error.code != ROLE_IN_USE:
                raise
            what = f"someone, perhaps another deploy, gave the role {self.role} a policy while it was being deleted"
            raise DeployError(what, where=self.role, hint="run the same command again") from error


def plan_role(desired: Desired, observed: Observed) -> PlanPart:
    """Plan the role. One of the user's own is never changed; lambent's has exactly the policies that the app asks for."""
    names = desired.names
    if not desired.own_role:
        return PlanPart(lines=(PlannedLine("keep", f"role {desired.settings.role}", "your own role: not changed"),))
    steps: list[Step] = []
    reasons: list[str] = []
    if observed.role is None:
        steps.append(CreateRole(names.role, desired.tags))
    elif not observed.role.trusts_lambda:
        steps.append(TrustLambda(names.role))
        reasons.append("Lambda can't assume it")
    origin = tuple((key, value) for key, value in desired.tags if key == TAG_ORIGIN)
    if observed.role is not None and not set(origin) <= set(observed.role.tags):
        steps.append(TagRole(names.role, origin))
        reasons.append(f"{TAG_ORIGIN} = {origin[0][1]}")
    for arn in desired.policies:
        if arn not in observed.attached:
            steps.append(AttachPolicy(names.role, arn))
            reasons.append(f"{_policy_name(arn)} is not attached")
    if transition := _transition_policy(desired, observed):
        steps.append(PutPolicy(names.role, POLICY, transition))
    if desired.inline and desired.inline != observed.inline:
        reasons.append(f"{'changed' if observed.inline else 'new'} permissions{because('permissions', desired.origins)}")
    elif observed.inline and not desired.inline:
        reasons.append("its permissions are no longer needed")
    if observed.role is None:
        line = PlannedLine("create", f"role {names.role}", f"for Lambda, with {_contents(desired)}", routine=True)
    else:
        line = PlannedLine("update" if reasons else "keep", f"role {names.role}", ", ".join(reasons))
    return PlanPart(tuple(steps), (line,))


def plan_narrower_role(desired: Desired, observed: Observed) -> PlanPart:
    """Plan to remove what only the previous version needed. It has no more traffic by then, so it won't start again."""
    current = _transition_policy(desired, observed) or observed.inline
    if not desired.own_role or current == desired.inline:
        return PlanPart()
    if desired.inline:
        return PlanPart((PutPolicy(desired.names.role, POLICY, desired.inline),))
    return PlanPart((DeletePolicy(desired.names.role, POLICY),))


def _transition_policy(desired: Desired, observed: Observed) -> str:
    """Return the policy the role needs while both versions may run: all that either may do. "" if it has that already.

    A Deny that is no longer wanted goes at once: the new version may need what it forbids.
    """
    new = _statements(desired.inline)
    if observed.alias is None or not observed.inline:
        return desired.inline if desired.inline != observed.inline else ""
    old = _statements(observed.inline)
    retained = [statement for statement in old if statement.get("Effect") == "Allow" or statement in new]
    union = retained + [statement for statement in new if statement not in retained]
    if union == old:
        return ""
    if all(statement in new for statement in union):
        return desired.inline
    text = canonical({"Version": "2012-10-17", "Statement": union})
    return text if len(text) <= INLINE_MAX else desired.inline


def _statements(policy: str) -> list[dict[str, Any]]:
    statements = json.loads(policy)["Statement"] if policy else []
    return statements if isinstance(statements, list) else [statements]


def _contents(desired: Desired) -> str:
    policies = ", ".join(map(_policy_name, desired.policies))
    own = count(desired.inline.count('"Effect"'), "permission")
    return f"{policies} and {own} of its own" if desired.inline else policies


def _policy_name(arn: str) -> str:
    return arn.rpartition("/")[2]


def cloudformation(desired: Desired) -> dict[str, Any]:
    if not desired.own_role:
        return {}
    inline = {"Policies": [{"PolicyName": POLICY, "PolicyDocument": json.loads(desired.inline)}]} if desired.inline else {}
    properties = {
        "RoleName": desired.names.role,
        "AssumeRolePolicyDocument": TRUST,
        "ManagedPolicyArns": list(desired.policies),
        **inline,
        "Tags": [{"Key": key, "Value": value} for key, value in desired.tags],
    }
    return {"Role": {"Type": "AWS::IAM::Role", "Properties": properties}}


def terraform(desired: Desired) -> dict[str, Any]:
    if not desired.own_role:
        return {}
    name = Expression("${aws_iam_role.app.name}")
    role = {"name": desired.names.role, "assume_role_policy": json.dumps(TRUST), "tags": dict(desired.tags)}
    attachments = {f"policy_{number}": {"role": name, "policy_arn": arn} for number, arn in enumerate(desired.policies)}
    blocks: dict[str, Any] = {"aws_iam_role": {"app": role}, "aws_iam_role_policy_attachment": attachments}
    if desired.inline:
        blocks["aws_iam_role_policy"] = {"app": {"name": POLICY, "role": name, "policy": desired.inline}}
    return blocks
