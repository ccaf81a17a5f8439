"""FastAPI: models, dependencies, forms and files, `def` and `async def` endpoints, validation errors, its own pages."""

from typing import Annotated

from digest import digest
from fastapi import Cookie, Depends, FastAPI, File, Form, Header, HTTPException, Query, Request, UploadFile
from fastapi.responses import PlainTextResponse, StreamingResponse
from pydantic import BaseModel

app = FastAPI(title="Difference")


class Item(BaseModel):
    name: str
    price: float = 1.5
    tags: list[str] = []


async def pages(page: int = 1, size: int = Query(10, le=100)):
    yield {"page": page, "size": size}


@app.get("/items/{number}")
def get_item(number: int, paging: Annotated[dict, Depends(pages)], tag: Annotated[list[str], Query()] = []):  # noqa: B006
    return {"number": number, **paging, "tag": tag}


@app.post("/items", status_code=201)
async def make_item(item: Item, session: Annotated[str | None, Cookie()] = None):
    return {"item": item, "session": session}


@app.put("/items/{name:path}")
async def put_item(name: str, request: Request, x_one: Annotated[list[str] | None, Header()] = None):
    one = [part.strip() for value in x_one or () for part in value.split(",")]
    return {"name": name, "one": one, "body": digest(await request.body())}


@app.post("/form")
async def form(name: Annotated[str, Form()], more: Annotated[list[str], Form()] = []):  # noqa: B006
    return {"name": name, "more": more}


@app.post("/upload")
def upload(file: UploadFile, also: Annotated[bytes, File()] = b""):
    return {"name": file.filename, "type": file.content_type, "file": digest(file.file.read()), "also": digest(also)}


@app.get("/stream")
async def stream(n: int = 3):
    async def events():
        for number in range(n):
            yield f"data: {number}\n\n"

    return StreamingResponse(events(), media_type="text/event-stream")


@app.get("/text", response_class=PlainTextResponse)
def text():
    return "plain ü"


@app.get("/missing")
async def missing():
    raise HTTPException(404, {"reason": "missing"}, {"x-why": "gone"})


@app.get("/crash")
def crash():
    raise ValueError("on purpose")


@app.delete("/items/{number}", status_code=204)
async def drop(number: int):
    return None
