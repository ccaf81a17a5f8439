"""A bare ASGI app that returns what it saw, or answers by a plan."""

import answer_plan

PLAIN = ("type", "http_version", "method", "scheme", "path", "root_path")


async def app(scope, receive, send):
    await (lifespan if scope["type"] == "lifespan" else answer)(scope, receive, send)


async def answer(scope, receive, send):
    body = await read(receive)
    headers = dict(scope["headers"])
    plan = answer_plan.read(headers.get(b"x-answer"), describe(scope, body))
    raised = plan.get("raise")
    if raised == "before":
        raise ValueError("on purpose, before the start")
    pairs = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in answer_plan.headers(plan)]
    await send({"type": "http.response.start", "status": plan["status"], "headers": pairs})
    for chunk in answer_plan.chunks(plan):
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


def describe(scope, body):
    view = {key: scope[key] for key in PLAIN}
    view["raw_path"] = scope["raw_path"].decode("latin-1")
    view["query_string"] = scope["query_string"].decode("latin-1")
    view["headers"] = [[name.decode("latin-1"), value.decode("latin-1")] for name, value in scope["headers"]]
    view["state"] = dict(scope["state"])
    view["server"], view["client"] = scope["server"], scope["client"]
    view["asgi"] = scope["asgi"]
    view["keys"] = sorted(scope)
    view["body"] = answer_plan.digest(body)
    return view
