"""Events as API Gateway, Function URLs and load balancers send them."""

from __future__ import annotations

from typing import Any

HTTP_API = "abc123.execute-api.eu-west-1.amazonaws.com"


def make_rest(path: str = "/", **over: Any) -> dict[str, Any]:
    return {
        "resource": "/{proxy+}",
        "path": path,
        "httpMethod": "GET",
        "headers": {"Host": HTTP_API, "X-Forwarded-Proto": "https"},
        "multiValueHeaders": {"Host": [HTTP_API], "X-Forwarded-Proto": ["https"]},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "requestContext": {
            "path": f"/prod{path}",
            "stage": "prod",
            "identity": {"sourceIp": "203.0.113.7"},
            "protocol": "HTTP/1.1",
        },
        "body": None,
        "isBase64Encoded": False,
    } | over


def make_elb(path: str = "/", **over: Any) -> dict[str, Any]:
    return {
        "requestContext": {"elb": {"targetGroupArn": "arn:x"}},
        "httpMethod": "GET",
        "path": path,
        "queryStringParameters": {},
        "headers": {
            "host": "lb",
            "x-forwarded-for": "198.51.100.1, 203.0.113.7",
            "x-forwarded-port": "80",
            "x-forwarded-proto": "http",
        },
        "body": "",
        "isBase64Encoded": False,
    } | over
