import numpy as np
import pandas as pd
from fastapi import FastAPI
from pydantic import BaseModel

app = FastAPI()


class Numbers(BaseModel):
    values: list[float]


@app.post("/mean")
def mean(numbers: Numbers) -> dict[str, float]:
    return {"mean": float(pd.Series(np.array(numbers.values)).mean())}
