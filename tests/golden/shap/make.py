"""Makes the files beside it: XGBoost models, rows, and their Shapley values by Python's shap.

    python -m venv venv && venv/bin/pip install shap==0.51.0 xgboost-cpu==3.2.0
    venv/bin/python tests/golden/shap/make.py

`numbers` is explained by the C code of shap itself, path dependent, but for the expected value; `categories` by
shap.TreeExplainer, which hands trees that split on categories to XGBoost.
"""

import json
import pathlib

import numpy as np
import shap
import xgboost as xgb

folder = pathlib.Path(__file__).parent
random = np.random.default_rng(17)
n = 4000
zone = random.integers(0, 40, n)
miles = np.round(random.gamma(2, 1.6, n), 2)
hour = random.integers(0, 24, n)
minutes = 3 + 3.1 * miles + 4 * np.sin(hour / 4) + (zone % 7) + 0.2 * miles * (zone % 3) + random.normal(0, 2, n)
x = np.stack([zone, miles, hour], axis=1).astype(np.float32)
x[random.random(x.shape) < 0.03] = np.nan
rows = x[:100]


def model(types, **settings):
    d = xgb.DMatrix(x, minutes, feature_names=['zone', 'miles', 'hour'], feature_types=types)
    given = {'max_depth': 5, 'eta': 0.3, 'max_cat_to_onehot': 1, 'seed': 1, **settings}
    return xgb.train(given, d, 15)


def write(name, booster, values, expected):
    booster.save_model(folder / f'{name}.model.json')
    content = {
        'shap': shap.__version__,
        'xgboost': xgb.__version__,
        'rows': [[None if np.isnan(v) else float(v) for v in row] for row in rows],
        'expected': float(np.ravel(expected)[0]),
        'values': [[float(v) for v in row] for row in values],
    }
    (folder / f'{name}.shap.json').write_text(json.dumps(content) + '\n')


numbers = model(['float'] * 3)
explainer = shap.TreeExplainer(numbers, feature_perturbation='tree_path_dependent')
# Anything but 'xgboost' keeps it from asking XGBoost for the values.
explainer.model.model_type = 'own'
values = explainer.shap_values(rows.astype(np.float64))
theirs = numbers.predict(xgb.DMatrix(rows, feature_names=numbers.feature_names), pred_contribs=True)
print('shap against XGBoost:', np.abs(values - theirs[:, :-1]).max())
# explainer.expected_value is XGBoost's base_score then, without the mean of the trees: values do not
# add up from there. The mean is XGBoost's own.
write('numbers', numbers, values, theirs[0, -1])

categories = model(['c', 'float', 'float'])
explainer = shap.TreeExplainer(categories, feature_perturbation='tree_path_dependent')
d = xgb.DMatrix(rows, feature_names=categories.feature_names, feature_types=['c', 'float', 'float'])
write('categories', categories, explainer.shap_values(d), explainer.expected_value)
