"""URLs for signed requests only, on the local Lambda, which checks signatures and policies as AWS does."""

from __future__ import annotations

import itertools
import json
import threading
from pathlib import Path
from typing import Any

import pytest

from lambent import events
from lambent.aws.boto import connect
from lambent.aws.interface import Aws
from lambent.aws.values import Pairs
from lambent.config.model import Hosting
from lambent.deployment.context import DeployContext, Timing
from lambent.deployment.deploy import deploy
from lambent.deployment.fetch import Response, fetch
from lambent.deployment.rollback import rollback
from lambent.errors import UnconfirmedError
from support.deploy_cases import HookedAws, artifact, config
from support.local_service import RUNTIME, Service

FRESH = itertools.count()
QUICK = Timing(role_s=5, settle_s=30, answer_s=0.2)
SAYS = "def lambda_handler(event, context):\n    return {'statusCode': 200, 'body': 'TEXT'}\n"
WHO = """\
import json

def lambda_handler(event, context):
    who = event["requestContext"]["authorizer"]["iam"]["userArn"]  # there always is one: the URL accepts only signed requests
    return {"statusCode": 200, "body": json.dumps([who, sorted(event["headers"])])}
"""


@pytest.fixture
def name() -> str:
    return f"iam{next(FRESH)}"


class DeployedApp:
    """One deploy, what it emitted, and its URL."""

    def __init__(self, aws: Aws, folder: Path, name: str, text: str, auth: Any) -> None:
        self.response: list[events.Event] = []
        app_config = config(folder, name, runtime=RUNTIME, hosting=Hosting(auth=auth))
        self.done = deploy(app_config, artifact(folder, text, runtime=RUNTIME), DeployContext(aws, self.response.append, QUICK))


def says(text: str) -> str:
    return SAYS.replace("TEXT", text)


def test_signed_request_gets_a_response(aws: Aws, name: str, tmp_path: Path) -> None:
    ran = DeployedApp(aws, tmp_path, name, WHO, "AWS_IAM")
    assert (ran.done.public, ran.done.changed) == (False, True)
    assert [event.status for event in ran.response if isinstance(event, events.Answered)] == [200]
    assert aws.statements(name, "live") == ()
    assert fetch(ran.done.url, 10).forbidden
    signed = fetch(f"{ran.done.url}a%20b/?x=1", 10, aws.signed(f"{ran.done.url}a%20b/?x=1"))
    caller, headers = json.loads(signed.body)
    assert caller == "arn:aws:sts::123456789012:user/moto" and "x-amz-date" in headers and "authorization" not in headers
    assert fetch(f"{ran.done.url}elsewhere", 10, aws.signed(ran.done.url)).bad_signature
    changed = DeployedApp(aws, tmp_path, name, f"{WHO}#", "AWS_IAM").done
    back = rollback(name, "", DeployContext(aws, events.ignore, QUICK))
    assert (changed.version, back.version, back.public) == ("2", "1", False)
    again = DeployedApp(aws, tmp_path, name, WHO, "AWS_IAM")
    assert (again.done.changed, again.done.public) == (False, False)


def test_caller_who_may_not_call_the_url_is_unconfirmed(service: Service, name: str, tmp_path: Path) -> None:
    iam = service.client("iam")
    iam.create_user(UserName=name)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    pipeline = connect("eu-west-1", endpoint_url=service.url, keys=(key["AccessKeyId"], key["SecretAccessKey"]))
    with pytest.raises(UnconfirmedError) as unsure:
        DeployedApp(pipeline, tmp_path, name, says("one"), "AWS_IAM")
    assert unsure.value.exit_code == 4
    assert f"arn:aws:iam::123456789012:user/{name} may not call the URL" in unsure.value.what
    assert "lambda:InvokeFunctionUrl and lambda:InvokeFunction" in unsure.value.hint
    for actions, may in (["lambda:InvokeFunctionUrl"], False), (["lambda:InvokeFunctionUrl", "lambda:InvokeFunction"], True):
        allow = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}]}
        iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=json.dumps(allow))
        if may:
            assert DeployedApp(pipeline, tmp_path, name, says("one"), "AWS_IAM").done.changed is False
        else:
            with pytest.raises(UnconfirmedError):
                DeployedApp(pipeline, tmp_path, name, says("one"), "AWS_IAM")


class Mistaken(HookedAws):
    """Signs for another region, as a wrong key or clock would."""

    def signed(self, url: str) -> Pairs:
        return tuple((name, value.replace("eu-west-1", "eu-west-2")) for name, value in self._aws.signed(url))


def test_rejected_signature_is_unconfirmed(aws: Aws, name: str, tmp_path: Path) -> None:
    with pytest.raises(UnconfirmedError, match="rejected the signature"):
        DeployedApp(Mistaken(aws), tmp_path, name, says("one"), "AWS_IAM")  # type: ignore[arg-type]
    assert DeployedApp(aws, tmp_path, name, says("one"), "AWS_IAM").done.changed is False


class Stranger:
    """Sends unsigned requests while something else happens."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._ask)
        self.response: list[Response] = []

    def _ask(self) -> None:
        while not self._stop.is_set():
            self.response.append(fetch(self._url, 20))

    def __enter__(self) -> Stranger:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    @property
    def turns(self) -> list[str]:
        """The responses without repetitions: the app's own, or "403"."""
        answers = ["403" if answer.forbidden else f"{answer.status} {answer.body.decode()}" for answer in self.response]
        return [now for now, _ in itertools.groupby(answers)]


def test_url_is_closed_and_opened_without_a_gap(aws: Aws, name: str, tmp_path: Path) -> None:
    url = DeployedApp(aws, tmp_path, name, says("open"), "NONE").done.url
    with Stranger(url) as stranger:
        closed = DeployedApp(aws, tmp_path, name, says("secret"), "AWS_IAM").done
        assert fetch(url, 10, aws.signed(url)).body == b"secret"
    assert stranger.turns == ["200 open", "403"], "what is behind a closed URL was never seen"
    with Stranger(url) as stranger:
        opened = DeployedApp(aws, tmp_path, name, says("fair"), "NONE").done
        assert fetch(url, 10).body == b"fair"
    assert stranger.turns in (["403", "200 fair"], ["403"])
    assert (closed.url, opened.url, closed.public, opened.public) == (url, url, False, True)


@pytest.mark.parametrize("call", ["update_url", "move_alias", "remove_statement"])
def test_interrupted_closing_never_shows_private_content(aws: Aws, name: str, tmp_path: Path, call: str) -> None:
    url = DeployedApp(aws, tmp_path, name, says("open"), "NONE").done.url

    def stop(name: str, count: int) -> None:
        if name == call:
            raise KeyboardInterrupt

    for moment in ("before", "after"):
        with pytest.raises(KeyboardInterrupt):
            DeployedApp(HookedAws(aws, **{moment: stop}), tmp_path, name, says("secret"), "AWS_IAM")  # type: ignore[arg-type]
        response = fetch(url, 10)
        assert response.forbidden != ((call, moment) == ("update_url", "before")) and response.body != b"secret"
        assert DeployedApp(aws, tmp_path, name, says("secret"), "AWS_IAM").done.url == url
        assert fetch(url, 10).forbidden and fetch(url, 10, aws.signed(url)).body == b"secret"
        assert DeployedApp(aws, tmp_path, name, says("open"), "NONE").done.url == url
        assert fetch(url, 10).body == b"open"
