"""Load on a running ridecast: rides one by one, some with reasons, some in batches.

The rides come from a generator with a seed, so that two runs send the same mixture. How to run it,
and what it gave: README.md beside this file.
"""

import json
import os
import random
from itertools import count

from locust import FastHttpUser, constant, task

SEED = int(os.environ.get("RIDECAST_LOAD_SEED", "20210101"))
TOKEN = os.environ.get("RIDECAST_TOKEN", "")
BATCH = 1000
# Zones where green taxis pick people up most; other zones are drawn now and then.
BUSY = [74, 75, 41, 42, 166, 244, 7, 43, 95, 97, 116, 65, 82, 181, 129]
numbers = count()


def ride(draw: random.Random) -> dict:
    """A ride as a client would ask about it."""

    def zone() -> int:
        return draw.choice(BUSY) if draw.random() < 0.9 else draw.randint(1, 263)

    day, hour, minute = draw.randint(1, 28), draw.randrange(24), draw.randrange(60)
    return {
        "PULocationID": zone(),
        "DOLocationID": zone(),
        "trip_distance": round(draw.lognormvariate(0.8, 0.7), 2),
        "pickup_datetime": f"2021-02-{day:02}T{hour:02}:{minute:02}",
    }


class Client(FastHttpUser):
    """Asks its next question when the last one is answered."""

    wait_time = constant(0)

    def on_start(self) -> None:
        # Every client its own rides, the same in every run.
        self.draw = random.Random(SEED + next(numbers))
        # Made once: a client that is busy with making rides measures itself.
        self.rides = [ride(self.draw) for _ in range(BATCH)]
        self.headers = {"Content-Type": "application/json"}
        if TOKEN:
            self.headers["Authorization"] = f"Bearer {TOKEN}"

    def ask(self, path: str, body: object, name: str, check) -> None:
        data = json.dumps(body)
        with self.client.post(
            path, data=data, headers=self.headers, name=name, catch_response=True
        ) as answer:
            try:
                fine = answer.status_code == 200 and check(answer.json())
            except (KeyError, TypeError, ValueError):
                fine = False
            if not fine:
                answer.failure(f"{answer.status_code}: {(answer.text or '')[:200]}")

    @task(94)
    def one(self) -> None:
        self.ask("/predict", ride(self.draw), "/predict", lambda said: said["duration"] > 0)

    @task(5)
    def reasons(self) -> None:
        self.ask(
            "/predict?explain=true",
            ride(self.draw),
            "/predict?explain",
            lambda said: len(said["explanation"]["contributions"]) > 0,
        )

    @task(1)
    def batch(self) -> None:
        self.ask(
            "/predict/batch",
            self.rides,
            f"/predict/batch of {BATCH}",
            lambda said: len(said) == BATCH and all(row["duration"] > 0 for row in said),
        )
