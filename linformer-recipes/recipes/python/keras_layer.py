import sys
import keras
import numpy as np


class Classify(keras.layers.TFSMLayer):
    def call(self, tokens, real):  # an export's inputs go by their names
        return self.call_endpoint_fn(tokens=tokens, mask=real)["logits"]


export, tokens_file, lengths_file, logits_file = sys.argv[1:]
classify = Classify(export, call_endpoint="serving_default")
n = classify.call_endpoint_fn.structured_input_signature[1]["tokens"].shape[1]
tokens = keras.Input([n], dtype="int32")  # [b,n]
real = keras.Input([n], dtype="bool")  # [b,n], true at real positions
model = keras.Model([tokens, real], classify(tokens, real))

values = np.fromfile(tokens_file, np.int32).reshape(-1, n)
mask = np.arange(n) < np.fromfile(lengths_file, np.int32)[:, None]
model.predict([values, mask], verbose=0).tofile(logits_file)
