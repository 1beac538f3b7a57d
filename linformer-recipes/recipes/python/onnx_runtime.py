import sys
import numpy as np
import onnxruntime

export, tokens_file, logits_file = sys.argv[1:]
session = onnxruntime.InferenceSession(export + "/onnx/serving_default.onnx")
n = session.get_inputs()[0].shape[1]
tokens = np.fromfile(tokens_file, np.int32).reshape(-1, n)
session.run(["logits"], {"tokens": tokens})[0].tofile(logits_file)
