"""Calls an export from 8 threads of Python for some seconds.

usage: serve.py EXPORT SECONDS
"""

import sys
import threading
import time

import numpy as np
import tensorflow as tf

export, seconds = sys.argv[1], float(sys.argv[2])
begin = time.perf_counter()
classify = tf.saved_model.load(export).signatures["serving_default"]
n = classify.structured_input_signature[1]["tokens"].shape[1]
tokens = np.arange(n, dtype=np.int32).reshape(1, n) % 16
classify(tokens=tf.constant(tokens))["logits"].numpy()
print(f"load and first answer {time.perf_counter() - begin:.2f} s, after Python's import of TensorFlow")

counts = [0] * 8


def call(thread):
    while time.perf_counter() < end:
        classify(tokens=tf.constant(tokens))["logits"].numpy()
        counts[thread] += 1


end = time.perf_counter() + 2
threads = [threading.Thread(target=call, args=(i,)) for i in range(8)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
counts = [0] * 8
begin = time.perf_counter()
end = begin + seconds
threads = [threading.Thread(target=call, args=(i,)) for i in range(8)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
print(f"{sum(counts) / (time.perf_counter() - begin):.0f} calls/s")
