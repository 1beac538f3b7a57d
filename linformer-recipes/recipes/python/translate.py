import sys
import numpy as np
import tensorflow as tf

export, source_file, tokens_file, logits_file = sys.argv[1:]
model = tf.saved_model.load(export)
encode, step = model.signatures["encode"], model.signatures["decode"]
source = np.fromfile(source_file, np.int32).reshape(1, -1)
cross = encode(source=tf.constant(source))
inputs = step.structured_input_signature[1]
state = {name: tf.zeros([1] + spec.shape[1:])
         for name, spec in inputs.items() if name.startswith("state_")}
logits = []
for position, token in enumerate(np.fromfile(tokens_file, np.int32)):
    state = step(token=tf.constant([[token]]), position=tf.constant(position, tf.int64),
                 **state, **cross)
    logits.append(state.pop("logits").numpy())
np.concatenate(logits).tofile(logits_file)
