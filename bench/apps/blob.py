"""An ASGI app that answers with 1 MiB of bytes that are no text."""

BODY = bytes(range(256)) * 4096
HEADERS = [(b"content-type", b"image/png"), (b"content-length", str(len(BODY)).encode())]


async def app(scope, receive, send):
    if scope["type"] != "http":
        raise RuntimeError("no lifespan here")
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await send({"type": "http.response.body", "body": BODY})
