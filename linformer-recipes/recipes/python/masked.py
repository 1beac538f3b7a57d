import sys
import numpy as np
import tensorflow as tf

export, tokens_file, lengths_file, logits_file = sys.argv[1:]
classify = tf.saved_model.load(export).signatures["serving_default"]
n = classify.structured_input_signature[1]["tokens"].shape[1]
tokens = np.fromfile(tokens_file, np.int32).reshape(-1, n)
lengths = np.fromfile(lengths_file, np.int32)
mask = np.arange(n) < lengths[:, None]  # [b,n], true at real positions
logits = classify(tokens=tf.constant(tokens), mask=tf.constant(mask))["logits"]
logits.numpy().tofile(logits_file)
