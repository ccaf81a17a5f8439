"""An ASGI app that sends 100 MB in chunks of 64 KiB, each made when it is its turn. `/idle` answers with one byte."""

CHUNK = 65536
COUNT = 1600


async def app(scope, receive, send):
    if scope["type"] != "http":
        raise RuntimeError("no lifespan here")
    headers = [(b"content-type", b"application/octet-stream")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    if scope["path"] != "/idle":
        for number in range(COUNT):
            await send({"type": "http.response.body", "body": bytes([number % 256]) * CHUNK, "more_body": True})
    await send({"type": "http.response.body", "body": b"."})
