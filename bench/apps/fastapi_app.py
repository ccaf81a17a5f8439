"""Two routes in FastAPI: one runs on the loop, one on a worker thread."""

from fastapi import FastAPI

app = FastAPI()


@app.get("/")
async def on_the_loop():
    return {"hello": "world"}


@app.get("/thread")
def on_a_thread():
    return {"hello": "world"}
