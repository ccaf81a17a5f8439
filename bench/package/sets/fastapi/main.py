from fastapi import FastAPI
from pydantic import BaseModel

app = FastAPI()


class Item(BaseModel):
    name: str
    price: float = 0


@app.post("/items")
async def create(item: Item) -> Item:
    return item
