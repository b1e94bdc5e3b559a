/** The Python that stands beside `model.json` in the folder for scikit-learn; the same for every model. */

/** `rebuild.py`: rebuilds (DictVectorizer, LinearRegression) from `model.json` and predicts. */
export const rebuildScript = `"""Rebuilds the model of model.json with scikit-learn and predicts durations in minutes.

    python rebuild.py rides.csv       prints one prediction a line
    python rebuild.py rides.json      takes an array of rides or one ride, prints an array

In a program:

    from rebuild import load, predict
    model = load()
    predict(model, [{"PULocationID": 43, "DOLocationID": 151, "trip_distance": 1.01}])

The fields that a ride needs stand in model.json under "terms". Needs numpy and scikit-learn; opens
no pickle, executes nothing of what it reads.
"""

import csv
import json
import math
import sys
from pathlib import Path

import numpy as np
from sklearn.feature_extraction import DictVectorizer
from sklearn.linear_model import LinearRegression

LARGEST_ID = 65_535


def load(path=Path(__file__).with_name("model.json")):
    """The fitted DictVectorizer and LinearRegression, the terms of a ride, its shortest duration."""
    stored = json.loads(Path(path).read_text(encoding="utf-8"))

    vectorizer = DictVectorizer(separator=stored["vectorizer"]["separator"])
    vectorizer.feature_names_ = stored["vectorizer"]["feature_names_"]
    vectorizer.vocabulary_ = stored["vectorizer"]["vocabulary_"]

    regression = LinearRegression()
    regression.coef_ = np.array(stored["regression"]["coef_"], dtype=np.float64)
    regression.intercept_ = stored["regression"]["intercept_"]
    regression.n_features_in_ = len(regression.coef_)

    return vectorizer, regression, stored["terms"], stored["shortest"]


def number(value):
    """A finite float, or None for what is missing."""
    if value is None or value == "":
        return None
    value = float(value)
    return value if math.isfinite(value) else None


def category(value):
    """The text of an id, or None for what is missing or no id."""
    value = number(value)
    if value is None or not value.is_integer() or not 0 <= value <= LARGEST_ID:
        return None
    return str(int(value))


def features(ride, terms):
    """The features of one ride by name; a missing value makes none, and so adds nothing."""
    made = {}
    for term in terms["categorical"]:
        parts = [category(ride[column]) for column in term["columns"]]
        if None not in parts:
            made[term["name"]] = "_".join(parts)
    for term in terms["numeric"]:
        value = number(ride[term["column"]])
        if value is not None:
            made[term["name"]] = value
    return made


def predict(model, rides):
    """Minutes by ride, a numpy array. Categories that were not in training add nothing; a number
    below the shortest ride of the training is raised to it."""
    vectorizer, regression, terms, shortest = model
    rides = list(rides)
    if not rides:
        return np.empty(0)
    columns = [c for term in terms["categorical"] for c in term["columns"]]
    columns += [term["column"] for term in terms["numeric"]]
    for row, ride in enumerate(rides):
        lacking = [column for column in columns if column not in ride]
        if lacking:
            raise ValueError(f"ride {row} has no {lacking[0]}: give null where it is not known")
    minutes = regression.predict(vectorizer.transform([features(ride, terms) for ride in rides]))
    return np.maximum(minutes, shortest)


def main(path):
    with open(path, encoding="utf-8-sig", newline="") as file:
        if not path.lower().endswith(".json"):
            for minutes in predict(load(), csv.DictReader(file)):
                print(float(minutes))
            return
        rides = json.load(file)
    rides = [rides] if isinstance(rides, dict) else rides
    print(json.dumps(predict(load(), rides).tolist()))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python rebuild.py rides.csv|rides.json")
    try:
        main(sys.argv[1])
    except (OSError, ValueError, TypeError) as error:
        sys.exit(f"error: {error}")
`
