import sys
import numpy as np
import tensorflow as tf

export, tokens_file, logits_file = sys.argv[1:]
converter = tf.lite.TFLiteConverter.from_saved_model(
    export + "/tflite-ready", signature_keys=["serving_default"])
converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
classify = tf.lite.Interpreter(model_content=converter.convert()).get_signature_runner()
n = classify.get_input_details()["tokens"]["shape"][1]
tokens = np.fromfile(tokens_file, np.int32).reshape(-1, n)
classify(tokens=tokens)["logits"].tofile(logits_file)
