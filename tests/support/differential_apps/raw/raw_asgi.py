"""A bare ASGI app that says what it saw, or answers as it is told."""

import told

PLAIN = ("type", "http_version", "method", "scheme", "path", "root_path")


async def app(scope, receive, send):
    await (lifespan if scope["type"] == "lifespan" else answer)(scope, receive, send)


async def answer(scope, receive, send):
    body = await read(receive)
    headers = dict(scope["headers"])
    plan = told.read(headers.get(b"x-answer"), see(scope, body))
    raised = plan.get("raise")
    if raised == "before":
        raise ValueError("on purpose, before the start")
    pairs = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in told.headers(plan)]
    await send({"type": "http.response.start", "status": plan["status"], "headers": pairs})
    for chunk in told.chunks(plan):
        await send({"type": "http.response.body", "body": chunk, "more_body": True})
    if raised == "after":
        raise ValueError("on purpose, with the answer half sent")
    await send({"type": "http.response.body"})
    if raised == "late":
        raise ValueError("on purpose, after the answer")


async def lifespan(scope, receive, send):
    scope["state"]["opened"] = "yes"
    while (await receive())["type"] == "lifespan.startup":
        await send({"type": "lifespan.startup.complete"})
    await send({"type": "lifespan.shutdown.complete"})


async def read(receive):
    body, more = [], True
    while more:
        message = await receive()
        assert message["type"] == "http.request", message
        body.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(body)


def see(scope, body):
    seen = {key: scope[key] for key in PLAIN}
    seen["raw_path"] = scope["raw_path"].decode("latin-1")
    seen["query_string"] = scope["query_string"].decode("latin-1")
    seen["headers"] = [[name.decode("latin-1"), value.decode("latin-1")] for name, value in scope["headers"]]
    seen["state"] = dict(scope["state"])
    seen["server"], seen["client"] = scope["server"], scope["client"]
    seen["asgi"] = scope["asgi"]
    seen["keys"] = sorted(scope)
    seen["body"] = told.digest(body)
    return seen
