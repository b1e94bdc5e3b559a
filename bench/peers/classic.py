"""The pipeline of the courses: pandas, DictVectorizer, LinearRegression.

Reads a month, keeps rides of 1 to 60 minutes, trains on zones and distance, validates on the next
month. Prints one JSON object: RMSE, seconds by stage, peak memory.
"""

import sys
from math import sqrt

import pandas as pd
from sklearn.feature_extraction import DictVectorizer
from sklearn.linear_model import LinearRegression
from sklearn.metrics import mean_squared_error

from stages import Stages

categorical = ["PULocationID", "DOLocationID"]
numerical = ["trip_distance"]


def read_dataframe(path):
    df = pd.read_parquet(path)
    df["duration"] = df.tpep_dropoff_datetime - df.tpep_pickup_datetime
    df.duration = df.duration.dt.total_seconds() / 60
    df = df[(df.duration >= 1) & (df.duration <= 60)].copy()
    df[categorical] = df[categorical].astype("str")
    return df


train_path, validation_path = sys.argv[1:3]
stages = Stages()

df_train = read_dataframe(train_path)
df_val = read_dataframe(validation_path)
stages.done("read")

dv = DictVectorizer()
X_train = dv.fit_transform(df_train[categorical + numerical].to_dict(orient="records"))
X_val = dv.transform(df_val[categorical + numerical].to_dict(orient="records"))
stages.done("vectorize")

lr = LinearRegression()
lr.fit(X_train, df_train.duration.values)
stages.done("fit")

rmse_train = sqrt(mean_squared_error(df_train.duration.values, lr.predict(X_train)))
rmse = sqrt(mean_squared_error(df_val.duration.values, lr.predict(X_val)))
stages.done("evaluate")

stages.report(rmse=rmse, rmse_train=rmse_train, kept=len(df_train), columns=X_train.shape[1])
