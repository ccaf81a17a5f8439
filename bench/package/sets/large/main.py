import pandas as pd
from fastapi import FastAPI
from PIL import Image
from sklearn.linear_model import LinearRegression

app = FastAPI()


@app.get("/")
def home() -> dict[str, str]:
    return {"pandas": pd.__version__, "pillow": Image.__name__, "model": LinearRegression.__name__}
