import sys
import numpy as np
import tensorflow as tf

export, tokens_file, logits_file = sys.argv[1:]
graph_def = tf.compat.v1.GraphDef.FromString(open(export + "/frozen/model.pb", "rb").read())
classify = tf.compat.v1.wrap_function(lambda: tf.import_graph_def(graph_def, name=""), [])
classify = classify.prune("tokens:0", "logits:0")
n = classify.inputs[0].shape[1]
tokens = np.fromfile(tokens_file, np.int32).reshape(-1, n)
classify(tf.constant(tokens)).numpy().tofile(logits_file)
