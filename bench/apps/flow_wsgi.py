"""The same 100 MB from a WSGI app."""

CHUNK = 65536
COUNT = 1600


def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "application/octet-stream")])
    if environ["PATH_INFO"] != "/idle":
        for number in range(COUNT):
            yield bytes([number % 256]) * CHUNK
    yield b"."
