"""The usual service: FastAPI, pydantic, and a pickled DictVectorizer with its LinearRegression.

Trains the pair on the sample month if it is not there, then serves it on a free port and says where.
"""

import json
import pickle
import socket
import sys
from pathlib import Path

import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel, Field

root = Path(__file__).resolve().parents[2]
pair = Path(sys.argv[1])


def train() -> None:
    import pandas as pd
    from sklearn.feature_extraction import DictVectorizer
    from sklearn.linear_model import LinearRegression

    rides = pd.read_parquet(root / "data" / "green_tripdata_2021-01.parquet")
    minutes = (rides.lpep_dropoff_datetime - rides.lpep_pickup_datetime).dt.total_seconds() / 60
    rides = rides.assign(duration=minutes)[(minutes >= 1) & (minutes <= 60)]
    zones = ["PULocationID", "DOLocationID"]
    features = rides[zones].astype(str).assign(trip_distance=rides.trip_distance)
    vectorizer = DictVectorizer()
    model = LinearRegression().fit(
        vectorizer.fit_transform(features.to_dict(orient="records")), rides.duration
    )
    pair.parent.mkdir(parents=True, exist_ok=True)
    pair.write_bytes(pickle.dumps((vectorizer, model)))


if not pair.exists():
    train()
vectorizer, model = pickle.loads(pair.read_bytes())


class Ride(BaseModel):
    PULocationID: int = Field(ge=1, le=265)
    DOLocationID: int = Field(ge=1, le=265)
    trip_distance: float = Field(ge=0)


app = FastAPI()


@app.post("/predict")
def predict(ride: Ride) -> dict:
    features = {
        "PULocationID": str(ride.PULocationID),
        "DOLocationID": str(ride.DOLocationID),
        "trip_distance": ride.trip_distance,
    }
    return {"duration": float(model.predict(vectorizer.transform(features))[0])}


listener = socket.socket()
listener.bind(("127.0.0.1", 0))
print(json.dumps({"url": f"http://127.0.0.1:{listener.getsockname()[1]}"}), flush=True)
uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False)).run([listener])
