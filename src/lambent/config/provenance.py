"""What a version was made from, by whom and where: it is kept in the version's description, which AWS shows too.

    a1b2c3d-dirty Fix the total [ada@laptop]

Pure. `package/git_commit.py` asks git.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from msgspec import Struct

_LENGTH_MAX = 256  # of a description [botocore's service model]
_AUTHOR_MAX = 100
_FORM = re.compile(r"(?:(?P<commit>[0-9a-f]{7,40})(?P<dirty>-dirty)?(?= |$))?(?P<subject>.*?)(?:(?:^| )\[(?P<by>[^\[\]]+)\])?")
CI = (
    ("GITHUB_ACTIONS", "GitHub Actions", "GITHUB_ACTOR"),
    ("GITLAB_CI", "GitLab CI", "GITLAB_USER_LOGIN"),
    ("CIRCLECI", "CircleCI", "CIRCLE_USERNAME"),
    ("BUILDKITE", "Buildkite", "BUILDKITE_BUILD_CREATOR"),
    ("BITBUCKET_BUILD_NUMBER", "Bitbucket Pipelines", ""),
    ("TF_BUILD", "Azure Pipelines", "BUILD_REQUESTEDFOR"),
    ("JENKINS_URL", "Jenkins", ""),
    ("CODEBUILD_BUILD_ID", "AWS CodeBuild", ""),
    ("CI", "CI", ""),
)
"""For each CI system: the variable that tells it, its name, and the variable with the person."""


class Provenance(Struct, frozen=True):
    """A commit, short, with the first line of its message, `dirty` if the files differ from it, and who deployed it."""

    commit: str = ""
    dirty: bool = False
    subject: str = ""
    by: str = ""


def describe(provenance: Provenance) -> str:
    """Return the description of a version. A long subject is cut."""
    commit = f"{provenance.commit}-dirty" if provenance.dirty else provenance.commit
    author = _plain(provenance.by)[:_AUTHOR_MAX].strip()
    by = f"[{author}]" if author else ""
    room = _LENGTH_MAX - len(commit) - len(by) - 2
    subject = _plain(provenance.subject)
    subject = subject if len(subject) <= room else f"{subject[: room - 1]}…"
    return " ".join(part for part in (commit, subject, by) if part)


def parse(description: str) -> Provenance:
    """Return what a description says. One that someone else wrote is all subject."""
    match = _FORM.fullmatch(description.replace("\n", " "))
    if match is None:
        return Provenance()
    return Provenance(match["commit"] or "", bool(match["dirty"]), match["subject"].strip(), match["by"] or "")


def deployer(environ: Mapping[str, str], user: str, host: str) -> str:
    """Return who deploys: "ada@laptop", or the CI system and the person that started it."""
    for variable, name, person in CI:
        if environ.get(variable):
            return f"{name}, {environ[person]}" if environ.get(person) else name
    return f"{user}@{host.partition('.')[0]}" if host else user


def _plain(text: str) -> str:
    """Return the text on one line, without what the description's form needs and without control characters."""
    clean = "".join(letter if letter.isprintable() else " " for letter in text)
    return " ".join(clean.replace("[", "(").replace("]", ")").split())
