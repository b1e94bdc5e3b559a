"""Writes the golden cases of this folder with scikit-learn; see README.md."""

import json
import math
import random
from pathlib import Path

import numpy as np
import scipy
import sklearn
from sklearn.feature_extraction import DictVectorizer

FOLDER = Path(__file__).parent


def number(value):
    """JSON has no NaN and no infinity: they are written as text."""
    return float(value) if math.isfinite(value) else str(float(value))


def matrix(x):
    x = x.copy()
    # scikit-learn leaves the entries of one cell side by side; their sum is what is compared.
    x.sum_duplicates()
    return {
        "rows": x.shape[0],
        "columns": x.shape[1],
        "indptr": x.indptr.tolist(),
        "indices": x.indices.tolist(),
        "values": [number(value) for value in x.data],
    }


def inverse(vectorizer, x):
    try:
        dicts = vectorizer.inverse_transform(x)
    except ValueError as error:
        return {"error": str(error)}
    return [{name: float(value) for name, value in d.items()} for d in dicts]


def write(name, fit, transform, separator="=", sort=True, restrict=None):
    vectorizer = DictVectorizer(separator=separator, sort=sort)
    fitted = vectorizer.fit_transform(fit)
    again = DictVectorizer(separator=separator, sort=sort).fit(fit)
    assert again.vocabulary_ == vectorizer.vocabulary_
    transformed = vectorizer.transform(transform)
    case = {
        "origin": f"scikit-learn {sklearn.__version__}, scipy {scipy.__version__}, "
        f"numpy {np.__version__}",
        "options": {"separator": separator, "sort": sort},
        "fit": fit,
        "transform": transform,
        "feature_names": vectorizer.get_feature_names_out().tolist(),
        "vocabulary": [[k, int(i)] for k, i in vectorizer.vocabulary_.items()],
        "fitted": matrix(fitted),
        "transformed": matrix(transformed),
        "fitted_inverse": inverse(vectorizer, fitted),
        "transformed_inverse": inverse(vectorizer, transformed),
    }
    if restrict is not None:
        vectorizer.restrict(restrict, indices=not isinstance(restrict[0], bool))
        case["restrict"] = restrict
        case["restricted_names"] = vectorizer.get_feature_names_out().tolist()
        case["restricted"] = matrix(vectorizer.transform(transform))
    # One line per member; ASCII only, so that no editor changes a character.
    lines = [f"  {json.dumps(k)}: {json.dumps(v, allow_nan=False)}" for k, v in case.items()]
    (FOLDER / f"{name}.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")


def some_rides(seed, count):
    """Rides with repeated, missing and unseen categories."""
    pick = random.Random(seed)
    rides = []
    for _ in range(count):
        ride = {
            "PULocationID": str(int(pick.paretovariate(0.5)) % 265 + 1),
            "DOLocationID": str(int(pick.paretovariate(0.5)) % 265 + 1),
            "trip_distance": round(pick.expovariate(0.3), 2),
            "night": pick.random() < 0.2,
            "tags": pick.choices(["tip", "toll", "shared", "airport"], k=pick.randrange(5)),
        }
        keys = [key for key in ride if pick.random() < 0.9]
        pick.shuffle(keys)
        rides.append({key: ride[key] for key in keys})
    return rides


write(
    "booleans-and-numbers",
    [
        {"paid": True, "tip": 0, "fare": -0.0},
        {"paid": False, "tip": 1e-320, "fare": 0.1},
        {"fare": 1.7976931348623157e308, "tip": -3},
    ],
    [{"paid": False}, {"paid": True, "tip": 2**53, "fare": 5}, {"tip": "5"}, {"paid": "True"}],
    restrict=[True, False, True],
)
write(
    "none-is-nan",
    [{"distance": None, "zone": "1"}, {"distance": 2.5}, {"zone": "None"}],
    [{"distance": None}, {"zone": None}, {"zone": "1", "distance": 1}],
)
write(
    "lists",
    [
        {"zone": ["b", "a", "b"], "n": 1},
        {"zone": "a", "n": 2},
        {"zone": [], "other": []},
        {"zone=a": 0.25, "zone": ["a", "a"]},
        {"zone": ["", "a=b"], "zone=a": "b"},
    ],
    [{"zone": ["a", "a", "unseen", "b"]}, {"zone": 3}, {"zone": []}, {"zone=a": True, "zone": "a"}],
    restrict=[4, 1, 0],
)
write(
    "numbers-as-text",
    [
        {"PULocationID": "9", "DOLocationID": "151"},
        {"PULocationID": "10", "DOLocationID": "9"},
        {"PULocationID": "43", "DOLocationID": "100"},
        {"PULocationID": 43},
        {"PULocationID": "043"},
        {"PULocationID": "43.0"},
    ],
    [{"PULocationID": "43", "DOLocationID": "151", "trip_distance": 1.01}, {"PULocationID": "4"}],
)
write(
    "unicode",
    [
        {"\U0001f600": 1, "\ufb01": 2, "\uffff": 3, "\ue000": 4, "z": 5, "Z": 6, "\u00e9": 7},
        {"e\u0301": 8, "_": 9, "\ud7ff": 10, "\U00010000": 11, "\U0010ffff": 12, "\u65e5": 13},
        {"": 14, " ": 15, "\u0000": 16, "a": "\U0001f601", "a\u0000": 17, "A": "\uff5e"},
        {"k": ["\U0001f600", "\U0001f680", "\U00010000\ufffd", "\U00010000"], "k\ufffd": 18},
        {"\ud83d": 19, "\ude00": 20, "\ud83d!": 21},
    ],
    [{"\U0001f600": 2, "\ufb01": 1, "a": "\U0001f601"}, {"\ud83d": 1}, {"a": "\u00e9"}],
)
write("empty-rows", [{}, {"a": 1}, {}], [{}, {"b": 2}])
write("no-features", [{}, {}], [{}, {"a": 1, "b": "c"}])
write(
    "separator",
    [{"zone": "1", "zone=1": 2}, {"zone": ["1", "2"], "zone::2": 0.5}],
    [{"zone": "1"}, {"zone=1": 1}, {"zone": "2", "zone::2": 1}],
    separator="::",
)
write("separator-empty", [{"a": "bc", "ab": "c"}, {"abc": 2}], [{"abc": ""}], separator="")
write("separator-format", [{"a": "%s", "%s": "a"}], [{"a": "%s"}], separator="%s$&")
write(
    "unsorted",
    [{"z": 1, "b": "y"}, {"b": ["x", "y"], "a": None}, {"c": False, "z": 0.5}],
    [{"c": True, "b": ["x", "q"], "z": 3}, {}],
    sort=False,
    restrict=[False, True, False, True, True],
)
write(
    "names-of-objects",
    [
        {"__proto__": 1, "constructor": "Object", "toString": True},
        {"hasOwnProperty": 2, "__proto__": "x", "length": 3, "valueOf": ["a"]},
    ],
    [{"__proto__": 5, "constructor": "Object"}, {"toString": False, "__proto__": "x"}],
)
write("rides", some_rides(1, 120), some_rides(2, 40))
