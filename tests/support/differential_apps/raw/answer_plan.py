"""The plan by which a raw app answers: base64 of JSON, in the request's header `x-answer`.

    {"status": 200, "headers": [["name", "value"], ...], "chunks": [["hex", "00ff"], ["fill", 7, 1000], ["text", "ü", 3]],
     "length": true, "via": "list"}

Without that header, the app returns its view of the request.
"""

import base64
import hashlib
import json


def read(header, view):
    """Return the plan in the header, or one that returns the view."""
    if header:
        return json.loads(base64.b64decode(header))
    body = json.dumps(view, sort_keys=True, ensure_ascii=True)
    return {"status": 200, "headers": [["content-type", "application/json"]], "chunks": [["text", body, 1]]}


def chunks(plan):
    return [_chunk(*chunk) for chunk in plan["chunks"]]


def headers(plan):
    pairs = [(name, value) for name, value in plan["headers"]]
    if plan.get("length"):
        pairs.append(("Content-Length", str(sum(map(len, chunks(plan))))))
    return pairs


def digest(body):
    return [len(body), hashlib.sha256(body).hexdigest()]


def _chunk(kind, value, times=1):
    if kind == "hex":
        return bytes.fromhex(value)
    if kind == "text":
        return value.encode() * times
    return (bytes((value + n) % 256 for n in range(1021)) * (times // 1021 + 1))[:times]
