import sys
import numpy as np
import tensorflow as tf

export, tokens_file, logits_file = sys.argv[1:]
step = tf.saved_model.load(export).signatures["decode"]
tokens = np.fromfile(tokens_file, np.int32)
inputs = step.structured_input_signature[1]
state = {name: tf.zeros([1] + spec.shape[1:])
         for name, spec in inputs.items() if name.startswith("state_")}
logits = []
for position, token in enumerate(tokens):
    state = step(token=tf.constant([[token]]), position=tf.constant(position, tf.int64), **state)
    logits.append(state.pop("logits").numpy())
np.concatenate(logits).tofile(logits_file)
