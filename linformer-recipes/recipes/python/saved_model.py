import sys
import numpy as np
import tensorflow as tf

export, tokens_file, logits_file = sys.argv[1:]
classify = tf.saved_model.load(export).signatures["serving_default"]
n = classify.structured_input_signature[1]["tokens"].shape[1]
tokens = np.fromfile(tokens_file, np.int32).reshape(-1, n)
classify(tokens=tf.constant(tokens))["logits"].numpy().tofile(logits_file)
