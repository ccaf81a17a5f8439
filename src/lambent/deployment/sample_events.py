"""Events as AWS's services send them to a function, to try it with. Pure, except for the time and fresh IDs.

Sources: the pages "Using AWS Lambda with ..." of https://docs.aws.amazon.com/lambda/latest/dg/lambda-services.html.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from msgspec import Struct

from lambent.deployment.version_check import CHECK_HOST, check_event

Event = dict[str, Any]


class Sender(Struct, frozen=True):
    """Where an event comes from: the account and region, the function's URL ("" for none), and who may call that.

    `caller` is the account whose signed requests the URL accepts, "" if it accepts any request.
    """

    account: str
    region: str
    url: str = ""
    caller: str = ""


def sample_event(name: str, sender: Sender) -> Event:
    return _SAMPLES[name](sender)


def merged(sample: Event, changes: Event) -> Event:
    """Return the sample with these members instead of its own; objects are merged member by member."""
    result = dict(sample)
    for name, value in changes.items():
        own = result.get(name)
        result[name] = merged(own, value) if isinstance(own, dict) and isinstance(value, dict) else value
    return result


def _url(sender: Sender) -> Event:
    return check_event(sender.url, sender.caller)


def _http_api(sender: Sender) -> Event:
    host = f"api1234567.execute-api.{sender.region}.amazonaws.com"
    event = merged(check_event(f"https://{host}/"), {"requestContext": {"accountId": sender.account}})
    event["requestContext"].pop("authentication", None)
    return event


def _rest_api(sender: Sender) -> Event:
    host = f"api1234567.execute-api.{sender.region}.amazonaws.com"
    headers = {"accept": "*/*", "Host": host, "User-Agent": "lambent", "X-Forwarded-For": "127.0.0.1"}
    headers |= {"X-Forwarded-Port": "443", "X-Forwarded-Proto": "https"}
    return {
        "resource": "/{proxy+}",
        "path": "/",
        "httpMethod": "GET",
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "pathParameters": None,
        "stageVariables": None,
        "requestContext": {
            "accountId": sender.account,
            "apiId": "api1234567",
            "domainName": host,
            "domainPrefix": "api1234567",
            "httpMethod": "GET",
            "identity": {"sourceIp": "127.0.0.1", "userAgent": "lambent"},
            "path": "/prod/",
            "protocol": "HTTP/1.1",
            "requestId": str(uuid.uuid4()),
            "requestTime": time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime()),
            "requestTimeEpoch": int(time.time() * 1000),
            "resourceId": "123456",
            "resourcePath": "/{proxy+}",
            "stage": "prod",
        },
        "body": None,
        "isBase64Encoded": False,
    }


def _alb(sender: Sender) -> Event:
    arn = f"arn:aws:elasticloadbalancing:{sender.region}:{sender.account}:targetgroup/app/1234567890abcdef"
    host = urlsplit(sender.url).netloc or CHECK_HOST
    headers = {"accept": "*/*", "host": host, "user-agent": "lambent", "x-forwarded-for": "127.0.0.1"}
    return {
        "requestContext": {"elb": {"targetGroupArn": arn}},
        "httpMethod": "GET",
        "path": "/",
        "queryStringParameters": {},
        "headers": {**headers, "x-forwarded-port": "443", "x-forwarded-proto": "https"},
        "body": "",
        "isBase64Encoded": False,
    }


def _schedule(sender: Sender) -> Event:
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": sender.account,
        "time": _iso(),
        "region": sender.region,
        "resources": [f"arn:aws:events:{sender.region}:{sender.account}:rule/lambent-sample"],
        "detail": {},
    }


def _sqs(sender: Sender) -> Event:
    now = str(int(time.time() * 1000))
    return {
        "Records": [
            {
                "messageId": str(uuid.uuid4()),
                "receiptHandle": "lambent-sample",
                "body": "hello",
                "attributes": {
                    "ApproximateReceiveCount": "1",
                    "SentTimestamp": now,
                    "SenderId": sender.account,
                    "ApproximateFirstReceiveTimestamp": now,
                },
                "messageAttributes": {},
                "md5OfBody": "5d41402abc4b2a76b9719d911017c592",
                "eventSource": "aws:sqs",
                "eventSourceARN": f"arn:aws:sqs:{sender.region}:{sender.account}:lambent-sample",
                "awsRegion": sender.region,
            }
        ]
    }


def _s3(sender: Sender) -> Event:
    return {
        "Records": [
            {
                "eventVersion": "2.1",
                "eventSource": "aws:s3",
                "awsRegion": sender.region,
                "eventTime": _iso(),
                "eventName": "ObjectCreated:Put",
                "userIdentity": {"principalId": "AWS:AIDALAMBENTSAMPLE000"},
                "requestParameters": {"sourceIPAddress": "127.0.0.1"},
                "responseElements": {"x-amz-request-id": "LAMBENTSAMPLE000", "x-amz-id-2": "lambent-sample"},
                "s3": {
                    "s3SchemaVersion": "1.0",
                    "configurationId": "lambent-sample",
                    "bucket": {
                        "name": "lambent-sample",
                        "ownerIdentity": {"principalId": "A1LAMBENTSAMPLE"},
                        "arn": "arn:aws:s3:::lambent-sample",
                    },
                    "object": {
                        "key": "folder/file.txt",
                        "size": 5,
                        "eTag": "5d41402abc4b2a76b9719d911017c592",
                        "sequencer": "0A1B2C3D4E5F678901",
                    },
                },
            }
        ]
    }


def _sns(sender: Sender) -> Event:
    topic = f"arn:aws:sns:{sender.region}:{sender.account}:lambent-sample"
    return {
        "Records": [
            {
                "EventVersion": "1.0",
                "EventSubscriptionArn": f"{topic}:{uuid.uuid4()}",
                "EventSource": "aws:sns",
                "Sns": {
                    "Type": "Notification",
                    "MessageId": str(uuid.uuid4()),
                    "TopicArn": topic,
                    "Subject": "hello",
                    "Message": "hello",
                    "Timestamp": _iso(),
                    "MessageAttributes": {},
                },
            }
        ]
    }


def _iso() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


_SAMPLES: dict[str, Callable[[Sender], Event]] = {
    "url": _url,
    "http-api": _http_api,
    "rest-api": _rest_api,
    "alb": _alb,
    "schedule": _schedule,
    "sqs": _sqs,
    "s3": _s3,
    "sns": _sns,
}
NAMES = tuple(_SAMPLES)
