"""Prices and quotes: a typed API with FastAPI. pydantic-core and orjson are compiled code."""

from decimal import Decimal

import orjson
from fastapi import FastAPI, HTTPException, Response
from pydantic import BaseModel, Field

app = FastAPI(title="Bakery")

PRICES = {"bread": Decimal("3.20"), "roll": Decimal("0.45"), "croissant": Decimal("1.60")}


class Line(BaseModel):
    item: str
    count: int = Field(ge=1, le=1000)


class Order(BaseModel):
    lines: list[Line] = Field(min_length=1)


class Quote(BaseModel):
    total: Decimal
    lines: list[Line]


def price(item: str) -> Decimal:
    if item not in PRICES:
        raise HTTPException(404, f"we bake no {item}")
    return PRICES[item]


@app.get("/")
def home() -> dict[str, str]:
    return {"bakery": "open", "docs": "/docs"}


@app.get("/prices")
async def prices(cheaper_than: Decimal = Decimal("Infinity")) -> Response:
    listed = [{"item": item, "price": cost} for item, cost in PRICES.items() if cost < cheaper_than]
    return Response(orjson.dumps(listed, default=str), media_type="application/json")


@app.get("/prices/{item}")
def one(item: str) -> dict[str, Decimal]:
    return {item: price(item)}


@app.post("/quotes", status_code=201)
def quote(order: Order) -> Quote:
    return Quote(total=sum((price(line.item) * line.count for line in order.lines), Decimal(0)), lines=order.lines)
