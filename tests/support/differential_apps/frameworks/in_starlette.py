"""Starlette: forms, files, cookies, streams, background work, a mounted app, errors."""

from digest import FILE, digest
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Mount, Route

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


async def echo(request):
    body = await request.body()
    return JSONResponse(
        {
            "method": request.method,
            "url": [request.url.path, request.url.query],
            "path": request.path_params,
            "query": request.query_params.multi_items(),
            "cookies": request.cookies,
            "agent": request.headers.get("user-agent"),
            "many": request.headers.getlist("x-one"),
            "body": digest(body),
        }
    )


async def form(request):
    async with request.form() as sent:
        items = []
        for name, value in sent.multi_items():
            plain = isinstance(value, str)
            items.append([name, value if plain else [value.filename, value.content_type, digest(await value.read())]])
    return JSONResponse(items)


async def stream(request):
    sent = [chunk async for chunk in request.stream()]  # before the answer: under uvicorn both would wait for the same message

    async def parts():
        yield b"".join(sent)
        for number in range(int(request.query_params.get("n", 3))):
            yield f"part {number} ü\n"

    return StreamingResponse(parts(), media_type="text/plain")


async def cookies(request):
    answer = PlainTextResponse("set", background=BackgroundTask(print, "later"))
    answer.set_cookie("a", "1", httponly=True)
    answer.set_cookie("b", "two words; and more")
    answer.headers.append("link", "</a>")
    answer.headers.append("link", "</b>")
    return answer


async def download(request):
    return FileResponse(FILE, filename="tölð.txt", media_type="text/plain")


async def go(request):
    return RedirectResponse(request.url_for("echo", rest="há/é").path + "?from=go")


async def fail(request):
    raise HTTPException(418, "no", headers={"x-why": "tea"})


async def crash(request):
    raise ValueError("on purpose")


async def empty(request):
    return Response(status_code=204)


app = Starlette(
    routes=[
        Route("/form", form, methods=["POST"]),
        Route("/stream", stream, methods=["GET", "POST"]),
        Route("/cookies", cookies),
        Route("/download", download),
        Route("/go", go),
        Route("/fail", fail),
        Route("/crash", crash),
        Route("/empty", empty),
        Mount(
            "/zipped", Starlette(routes=[Route("/{rest:path}", echo)], middleware=[Middleware(GZipMiddleware, minimum_size=1)])
        ),
        Mount("/below", routes=[Route("/{rest:path}", echo, name="below", methods=METHODS)]),
        Route("/{rest:path}", echo, name="echo", methods=METHODS),
    ]
)
