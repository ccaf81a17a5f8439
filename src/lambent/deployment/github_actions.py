"""What deploys an app from GitHub Actions: the workflow, and the role that it takes instead of stored keys. Pure.

GitHub proves to AWS, through OpenID Connect, which repository and branch a run is for. Source of the subjects: GitHub's
"OpenID Connect reference"; repositories since July 2026 have the IDs of owner and repository in it (repo:ann@1/shop@2:ref:...).
"""

from __future__ import annotations

import json
from shlex import quote
from typing import Any

from msgspec import Struct

from lambent.names import Names

_ISSUER = "token.actions.githubusercontent.com"
_WORKFLOW = """\
# Deploys {app} when {branch} changes. Written by `lambent init --github`; it is yours to change.
# The role is the one that the script of the same command creates: it may deploy this app and nothing else.
name: deploy {app}

on:
  push:
    branches: [{branch}]
  workflow_dispatch:

permissions:
  contents: read
  id-token: write # proves to AWS which repository and branch this is

concurrency: deploy-{app} # one deploy at a time

jobs:
  deploy:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1
        with:
          persist-credentials: false
      - uses: actions/setup-python@5fda3b95a4ea91299a34e894583c3862153e4b97 # v7.0.0
        with:
          python-version: "{python}"
      - uses: aws-actions/configure-aws-credentials@e6de054238d6b7531b4efff3b6587d9aade6a06c # v6.2.3
        with:
          role-to-assume: {role}
          aws-region: {region}
      - run: pipx install lambent
      - run: {command} # --yes: no one can be asked whether the URL may be public
"""
_SCRIPT = """\
#!/bin/sh
# Creates the role with which {repository} deploys {app} from its branch {branch}, or brings it up to date.
# Needs the aws CLI, and credentials that may create roles. Of the two subjects ("sub") you can remove the one that your
# repository doesn't have: those created since July 2026 have the second one, with the IDs of the owner and the repository.
set -eu
export AWS_PAGER=""
aws iam get-open-id-connect-provider --open-id-connect-provider-arn {provider} >/dev/null 2>&1 ||
    aws iam create-open-id-connect-provider --url https://{issuer} --client-id-list sts.amazonaws.com >/dev/null
trust={trust}
aws iam create-role --role-name {role} --assume-role-policy-document "$trust" >/dev/null 2>&1 ||
    aws iam update-assume-role-policy --role-name {role} --policy-document "$trust"
aws iam put-role-policy --role-name {role} --policy-name deploy --policy-document {policy}
"""


class Pipeline(Struct, frozen=True):
    """An app that is deployed from a branch of a repository ("ann/shop"). `folder` is where it is in there, "" for the top."""

    names: Names
    repository: str
    branch: str
    python: str
    folder: str = ""
    stage: str = ""

    @property
    def role(self) -> str:
        return f"deploy-{self.names.app}"


def workflow(pipeline: Pipeline) -> str:
    """Return the workflow as YAML."""
    names = pipeline.names
    stage = f" --stage {quote(pipeline.stage)}" if pipeline.stage else ""
    folder = f" {quote(pipeline.folder)}" if pipeline.folder else ""
    return _WORKFLOW.format(
        app=names.app,
        # unquoted, a branch 2026 would be a number, and " #" in the name of a folder would begin a comment
        branch=json.dumps(pipeline.branch, ensure_ascii=False),
        python=pipeline.python,
        role=f"arn:{names.partition}:iam::{names.account}:role/{pipeline.role}",
        region=names.region,
        command=json.dumps(f"lambent deploy --yes{stage}{folder}", ensure_ascii=False),
    )


def role_script(pipeline: Pipeline, policy: dict[str, Any]) -> str:
    """Return a shell script that creates the role with this policy. It can be run again."""
    names = pipeline.names
    return _SCRIPT.format(
        app=names.app,
        repository=pipeline.repository,
        branch=pipeline.branch,
        role=pipeline.role,
        issuer=_ISSUER,
        provider=_provider(names),
        trust=quote(json.dumps(trust(pipeline), indent=2)),
        policy=quote(json.dumps(policy, indent=2)),
    )


def trust(pipeline: Pipeline) -> dict[str, Any]:
    """Return the trust policy: runs for this branch of this repository, and nothing else, may take the role."""
    owner, _, name = pipeline.repository.partition("/")
    ref = f"ref:refs/heads/{pipeline.branch}"
    statement = {
        "Effect": "Allow",
        "Principal": {"Federated": _provider(pipeline.names)},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {
            "StringEquals": {f"{_ISSUER}:aud": "sts.amazonaws.com"},
            "StringLike": {f"{_ISSUER}:sub": [f"repo:{owner}/{name}:{ref}", f"repo:{owner}@*/{name}@*:{ref}"]},
        },
    }
    return {"Version": "2012-10-17", "Statement": [statement]}


def _provider(names: Names) -> str:
    return f"arn:{names.partition}:iam::{names.account}:oidc-provider/{_ISSUER}"
