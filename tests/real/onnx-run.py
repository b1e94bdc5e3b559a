"""Checks and runs every ONNX file of a folder; its last line is what it found, as JSON.

For <name>.onnx the values of an input lie in <name>/<input>.bin, little-endian int64 or double;
the answers go to <name>/duration.bin.
"""

import json
import pathlib
import sys

import numpy as np
import onnx
import onnxruntime

types = {"tensor(int64)": "<i8", "tensor(double)": "<f8"}
found = {}
for path in sorted(pathlib.Path(sys.argv[1]).glob("*.onnx")):
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    folder = path.with_suffix("")
    feeds = {
        each.name: np.fromfile(folder / f"{each.name}.bin", types[each.type])
        for each in session.get_inputs()
    }
    (answer,) = session.run(["duration"], feeds)
    assert answer.dtype == np.float64 and answer.ndim == 1
    answer.astype("<f8").tofile(folder / "duration.bin")
    meta = session.get_modelmeta()
    found[path.stem] = {
        "metadata": meta.custom_metadata_map,
        "producer": meta.producer_name,
        "graph": meta.graph_name,
        "opsets": {each.domain: each.version for each in model.opset_import},
        "inputs": {each.name: [each.type, each.shape] for each in session.get_inputs()},
    }
print(json.dumps(found))
