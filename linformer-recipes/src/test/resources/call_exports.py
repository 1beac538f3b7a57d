"""Loads exports as any Python program does and computes with their signatures.

usage: call_exports.py CASES.json

CASES.json is a list of {"export": folder, "signature": name, "inputs": {name: {"dtype", "shape", "file"}},
"outputs": {name: file}}; files hold values without a header, little-endian, in row-major order.
"""

import functools
import json
import sys

import numpy as np
import tensorflow as tf

load = functools.cache(tf.saved_model.load)
for case in json.load(open(sys.argv[1], encoding="utf-8")):
    function = load(case["export"]).signatures[case["signature"]]
    inputs = {
        name: tf.constant(np.fromfile(each["file"], each["dtype"]).reshape(each["shape"]))
        for name, each in case["inputs"].items()
    }
    outputs = function(**inputs)
    assert sorted(outputs) == sorted(case["outputs"]), sorted(outputs)
    for name, file in case["outputs"].items():
        outputs[name].numpy().tofile(file)
print("TensorFlow", tf.__version__)
