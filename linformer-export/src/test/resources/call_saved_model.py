"""Loads a SavedModel the way any Python program does, checks what it promises, and computes with it.

usage: call_saved_model.py FOLDER INPUT_NAME DTYPE INPUT_SHAPE OUTPUT_NAME OUTPUT_SHAPE X.npy Y.npy [X.npy Y.npy ...]

A shape is written as None,11,13. Each X.npy is cast to DTYPE; its output goes to the Y.npy after it.
"""

import pathlib
import sys

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

folder, input_name, dtype, input_shape, output_name, output_shape, *files = sys.argv[1:]


def equal(what, found, expected):
    assert found == expected, f"{what}: found {found}, expected {expected}"


def shape(text):
    return [None if axis == "None" else int(axis) for axis in text.split(",")]


def check_graph():
    """Nothing of the training is left: no random numbers, no dropout, no updates, no gradients."""
    model = saved_model_pb2.SavedModel.FromString(pathlib.Path(folder, "saved_model.pb").read_bytes())
    equal("meta graphs", len(model.meta_graphs), 1)
    equal("tags", list(model.meta_graphs[0].meta_info_def.tags), ["serve"])
    nodes = model.meta_graphs[0].graph_def.node
    assert len(nodes) > 10, "the graph is all but empty"
    for node in nodes:
        for word in ("random", "apply", "dropout", "grad", "adam", "clip"):
            assert word not in node.op.lower(), f"{node.name} is a {node.op}"
            assert word not in node.name.lower(), f"a {node.op} is called {node.name}"


def check_signature(function):
    (args, kwargs) = function.structured_input_signature
    equal("positional inputs", args, ())
    equal("inputs", sorted(kwargs), [input_name])
    equal("input's dtype", kwargs[input_name].dtype.name, dtype)
    equal("input's shape", kwargs[input_name].shape.as_list(), shape(input_shape))
    equal("outputs", sorted(function.structured_outputs), [output_name])
    equal("output's dtype", function.structured_outputs[output_name].dtype.name, "float32")
    equal("output's shape", function.structured_outputs[output_name].shape.as_list(), shape(output_shape))


check_graph()
loaded = tf.saved_model.load(folder)
equal("signatures", sorted(loaded.signatures), ["attention", "embeddings", "serving_default"])
serve = loaded.signatures["serving_default"]
check_signature(serve)
for x_file, y_file in zip(files[::2], files[1::2], strict=True):
    x = np.load(x_file).astype(dtype)
    np.save(y_file, serve(**{input_name: tf.constant(x)})[output_name].numpy())
print("TensorFlow", tf.__version__, "computed", len(files) // 2, "batches")
