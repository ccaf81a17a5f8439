"""Secrets by reference: read from AWS before the app is imported, and never told to anybody but the app."""

from __future__ import annotations

import json
import queue
import ssl
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from lambent.aws.values import Invoked, Settings
from lambent.deployment.diagnose import diagnose
from lambent.deployment.version_check import judge
from lambent.runtime.signature import sign
from support.aws_client import aws_environment
from support.functions import NEWEST, interpreter
from support.runtime_api_stub import Environment, make_event
from support.tls import certificate

VALUE = "postgres://user:hunter2@db"
APP = """
import os

DB, KEY, PORT = os.environ["DB"], os.environ.get("KEY"), os.environ.get("PORT")

def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [repr((DB, KEY, PORT, os.environ["DB"])).encode()]

def handler(event, context):
    return [DB, KEY, PORT]
"""
KEYS = {
    "AWS_ACCESS_KEY_ID": "AKID",
    "AWS_SECRET_ACCESS_KEY": "not-told",
    "AWS_SESSION_TOKEN": "tok+/=",
    "AWS_REGION": "eu-west-1",
}


AWS_HANDLER = "lambent_runtime.aws.handler"


class Asked:
    """What a service was asked."""

    def __init__(self, handler: BaseHTTPRequestHandler, body: bytes) -> None:
        self.headers = {name.lower(): value for name, value in handler.headers.items()}
        self.path, self.body = handler.path, body
        self.told: dict[str, Any] = json.loads(body) if body else {}
        self.operation = self.headers.get("x-amz-target", "").rpartition(".")[2]


Response = tuple[int, Any]


class Services:
    """SSM and Secrets Manager at one address. `say` may answer instead; all that was asked lands in `asked`."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.parameters = {"/shop/db": VALUE}
        self.secrets: dict[str, dict[str, str]] = {"shop/keys": {"SecretString": json.dumps({"stripe": "sk_1", "port": 5432})}}
        self.asked: list[Asked] = []
        self.say: Callable[[Asked], Response | None] = lambda asked: None
        services = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                asked = Asked(self, self.rfile.read(int(self.headers.get("Content-Length", 0))))
                services.asked.append(asked)
                status, body = services.say(asked) or services.answer(asked)
                data = body if isinstance(body, bytes) else json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST

            def log_message(self, format: str, *args: Any) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        if tls is not None:
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def answer(self, asked: Asked) -> Response:
        """As AWS answers; the texts are moto's and botocore's models'."""
        if asked.operation == "GetParameters":
            names = asked.told["Names"]
            assert asked.told["WithDecryption"] is True and len(names) <= 10
            found = [
                {"Name": name, "Type": "SecureString", "Value": self.parameters[name]}
                for name in names
                if name in self.parameters
            ]
            return 200, {"Parameters": found, "InvalidParameters": [name for name in names if name not in self.parameters]}
        identity = asked.told["SecretId"]
        if identity not in self.secrets:
            text = "Secrets Manager can't find the specified secret."
            return 400, {"__type": "ResourceNotFoundException", "Message": text}
        return 200, {"Name": identity, **self.secrets[identity]}


@pytest.fixture
def services() -> Iterator[Services]:
    running = Services()
    yield running
    running.server.shutdown()
    running.server.server_close()


@pytest.fixture(params=["lambent", "aws"])
def start(request: pytest.FixtureRequest, tmp_path: Path, services: Services) -> Callable[..., Environment]:
    """A web app under either client, with these references."""

    def started(references: dict[str, str], handler: str = "main.app", **env: str) -> Environment:
        told = {**KEYS, "AWS_ENDPOINT_URL": services.url, "LAMBENT_SECRETS": json.dumps(references), **env}
        files = {"main.py": APP}
        if request.param == "aws":
            return aws_environment(tmp_path, NEWEST, AWS_HANDLER, files=files, env=told | {"LAMBENT_APP": handler})
        return Environment(tmp_path, interpreter(), handler, files=files, env=told)

    return started


@pytest.mark.parametrize("token", ["", "tok+/="])
@pytest.mark.parametrize("path", ["/", "/behind/a/prefix"])
def test_the_signature_is_botocores(token: str, path: str) -> None:
    body = json.dumps({"Names": ["/a/é"], "WithDecryption": True}, ensure_ascii=False).encode()
    headers = {
        "content-type": "application/x-amz-json-1.1",
        "host": "ssm.eu-west-1.amazonaws.com",
        "x-amz-target": "AmazonSSM.X",
    }
    ours = sign(
        headers,
        body,
        request=("POST", path),
        scope=("eu-west-1", "ssm"),
        keys=("AKID", "secret/+", token),
        timestamp=1795413600.9,
    )
    request = AWSRequest("POST", f"https://ssm.eu-west-1.amazonaws.com{path}", headers, body)
    signer = SigV4Auth(Credentials("AKID", "secret/+", token or None), "ssm", "eu-west-1")
    stamp = ours["x-amz-date"]
    request.context["timestamp"] = stamp
    signer._modify_request_before_signing(request)
    request.headers.replace_header("X-Amz-Date", stamp)
    canonical = signer.canonical_request(request)
    signer._inject_signature_to_request(request, signer.signature(signer.string_to_sign(request, canonical), request))
    assert stamp == "20261123T060000Z"
    assert ours["authorization"] == request.headers["Authorization"]


def test_values_are_there_when_the_app_is_imported(start: Callable[..., Environment], services: Services) -> None:
    references = {"DB": "ssm:/shop/db", "KEY": "secret:shop/keys#stripe", "PORT": "secret:shop/keys#port"}
    with start(references) as env:
        assert env.invoke(make_event()).body.decode() == repr((VALUE, "sk_1", "5432", VALUE))
        assert env.log == ""
    assert sorted(asked.operation for asked in services.asked) == ["GetParameters", "GetSecretValue"], "each place once"
    for asked in services.asked:
        assert asked.headers["x-amz-security-token"] == "tok+/="
        assert asked.headers["host"] == services.url.removeprefix("http://")


def test_twenty_five_parameters_in_three_calls_at_once(tmp_path: Path, services: Services) -> None:
    services.parameters |= {f"/n/{number}": str(number) for number in range(25)}
    together = threading.Barrier(3)
    services.say = lambda asked: together.wait(5) and None  # type: ignore[func-returns-value]
    references = {"DB": "ssm:/n/0"} | {f"N{number}": f"ssm:/n/{number}" for number in range(25)}
    env = {**KEYS, "AWS_ENDPOINT_URL_SSM": services.url, "LAMBENT_SECRETS": json.dumps(references)}
    with Environment(tmp_path, interpreter(), "main.app", files={"main.py": APP}, env=env) as environment:
        assert environment.invoke(make_event()).body.decode() == repr(("0", None, None, "0"))


def test_a_variable_that_is_set_stays(tmp_path: Path, services: Services) -> None:
    env = {**KEYS, "AWS_ENDPOINT_URL": services.url, "LAMBENT_SECRETS": '{"DB":"ssm:/none"}', "DB": "mine"}
    with Environment(tmp_path, interpreter(), "main.handler", files={"main.py": APP}, env=env) as environment:
        assert environment.invoke({}).data == ["mine", None, None]
    assert services.asked == []


def test_throttling_and_5xx_are_tried_again(start: Callable[..., Environment], services: Services) -> None:
    trouble = [(400, {"__type": "ThrottlingException", "message": "Rate exceeded"}), (503, b"<html>")]
    services.say = lambda asked: trouble.pop() if trouble else None
    with start({"DB": "ssm:/shop/db"}) as env:
        assert VALUE in env.invoke(make_event()).body.decode()
    assert len(services.asked) == 3


WHO = "arn:aws:sts::123456789012:assumed-role/lambent-shop/shop"
WHAT = "arn:aws:ssm:eu-west-1:123456789012:parameter/shop/db"
DENIED = f"User: {WHO} is not authorized to perform: ssm:GetParameters on resource: {WHAT}"
REFUSAL: Response = (400, {"__type": "com.amazon#AccessDeniedException", "message": DENIED})
NO_SECRET = "ResourceNotFoundException: Secrets Manager can't find the specified secret."
CASES: dict[str, tuple[str, Response | None, str, str]] = {
    "denied": ("ssm:/shop/db", REFUSAL, DENIED, "allow ssm:GetParameters in a policy of the role lambent-shop"),
    "no parameter": (
        "ssm:/none",
        None,
        "ParameterNotFound: there is no such parameter in eu-west-1",
        "put-parameter --type SecureString --name /none ",
    ),
    "no secret": ("secret:none", None, NO_SECRET, "aws secretsmanager create-secret --name none "),
    "no JSON": ("secret:plain#a", None, "it is not a JSON object, so it has no key 'a'", "fix the reference"),
    "no key": ("secret:shop/keys#other", None, "its JSON has no key 'other'", "fix the reference"),
    "binary": ("secret:binary", None, "it is binary", "fix the reference"),
    "nonsense": ("ssm:/shop/db", (200, b"no JSON"), "the reply cannot be read (TypeError)", ""),
}


@pytest.mark.parametrize("case", CASES)
def test_what_cannot_be_read_is_named_and_no_value_is(case: str, start: Callable[..., Environment], services: Services) -> None:
    reference, answer, said, hint = CASES[case]
    services.secrets |= {"plain": {"SecretString": VALUE}, "binary": {"SecretBinary": "aHVudGVyMg=="}}
    services.say = lambda asked: answer if answer and asked.operation == "GetParameters" else None
    with start({"DB": reference, "KEY": "secret:shop/keys#stripe"}) as env:
        posted = env.posted()
        assert env.process.wait(30) == 1
        log = env.log
    assert (posted.kind, posted.data["errorType"]) == ("init/error", "Function.SecretUnavailable")
    assert posted.data["errorMessage"].startswith(f"DB = {reference}: ") and said in posted.data["errorMessage"]
    assert f"[ERROR] Function.SecretUnavailable: DB = {reference}: " in log and said in log
    for told in (log, json.dumps(posted.data)):
        assert not any(value in told for value in (VALUE, "hunter2", "sk_1", "not-told", "aHVudGVyMg", "tok+"))
    assert hint in hint_for(posted.data)


def hint_for(posted: dict[str, Any]) -> str:
    """The hint that a deploy shows for this error of the runtime."""
    settings = Settings("arn:aws:iam::123456789012:role/lambent-shop", "python3.13", "main.app", 128, 3, 512)
    failure = judge(Invoked(json.dumps(posted).encode(), "Unhandled", ""), settings)
    assert failure is not None
    cause = diagnose(failure)
    assert cause.what.startswith("the function can't read a secret: DB = ")
    return cause.hint


def test_no_answer_at_all_ends_before_the_init_phase_does(tmp_path: Path, services: Services) -> None:
    services.server.shutdown()
    services.server.server_close()
    env = {**KEYS, "AWS_ENDPOINT_URL": services.url, "LAMBENT_SECRETS": '{"DB":"ssm:/shop/db"}'}
    with Environment(tmp_path, interpreter(), "main.app", files={"main.py": APP}, env=env) as environment:
        posted = environment.posted().data
    assert f"no reply from {services.url} ([Errno 111] Connection refused); in a VPC you need" in posted["errorMessage"]
    assert "NAT gateway" in hint_for(posted)


def test_references_that_are_none(tmp_path: Path) -> None:
    env = {**KEYS, "LAMBENT_SECRETS": '{"DB":"vault:x"}'}
    with Environment(tmp_path, interpreter(), "main.app", files={"main.py": APP}, env=env) as environment:
        assert environment.posted().data["errorMessage"].startswith("LAMBENT_SECRETS is not JSON such as ")


def test_they_are_read_again_after_a_snapshot_with_snapstarts_credentials(tmp_path: Path, services: Services) -> None:
    first: queue.Queue[Asked] = queue.Queue()

    def say(asked: Asked) -> Response | None:
        if asked.path != "/v1/credentials":
            first.put(asked)
            return None
        assert asked.headers["authorization"] == "the token"
        return 200, {"AccessKeyId": "SNAP", "SecretAccessKey": "s", "Token": "t"}

    services.say = say
    env = {
        "AWS_REGION": "eu-west-1", "AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start", "AWS_ENDPOINT_URL": services.url,
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{services.url}/v1/credentials",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN": "the token", "LAMBENT_SECRETS": '{"DB":"ssm:/shop/db"}',
    }  # fmt: skip
    with Environment(tmp_path, interpreter(), "main.app", files={"main.py": APP}, env=env) as environment:
        assert environment.posted().kind == "restore/next"
        services.parameters["/shop/db"] = "rotated"
        environment.api.restored.set()
        assert environment.invoke(make_event()).body.decode() == repr((VALUE, None, None, "rotated"))
    assert "Credential=SNAP/" in first.get_nowait().headers["authorization"]


def test_aws_client_reads_them_again_after_a_snapshot_too(tmp_path: Path, services: Services) -> None:
    env = {
        **KEYS,
        "AWS_ENDPOINT_URL": services.url,
        "LAMBENT_SECRETS": '{"DB":"ssm:/shop/db"}',
        "AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start",
    }
    env["LAMBENT_APP"] = "main.app"
    with aws_environment(tmp_path, NEWEST, AWS_HANDLER, files={"main.py": APP}, env=env) as environment:
        assert environment.posted().kind == "restore/next"
        services.parameters["/shop/db"] = "rotated"
        environment.api.restored.set()
        assert environment.invoke(make_event()).body.decode() == repr((VALUE, None, None, "rotated"))


__all__ = ["certificate"]


def test_over_tls_from_a_service_whose_certificate_is_checked(tmp_path: Path, certificate: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    services = Services(context)
    url = services.url.replace("http://127.0.0.1", "https://localhost")
    references = '{"DB":"ssm:/shop/db","KEY":"secret:shop/keys#stripe"}'
    env = {**KEYS, "AWS_ENDPOINT_URL": url, "LAMBENT_SECRETS": references}
    try:
        trusting = env | {"SSL_CERT_FILE": str(certificate)}
        with Environment(tmp_path / "a", interpreter(), "main.handler", files={"main.py": APP}, env=trusting) as environment:
            assert environment.invoke({}).data == [VALUE, "sk_1", None]
        with Environment(tmp_path / "b", interpreter(), "main.handler", files={"main.py": APP}, env=env) as environment:
            assert "CERTIFICATE_VERIFY_FAILED" in environment.posted().data["errorMessage"]
    finally:
        services.server.shutdown()
        services.server.server_close()
