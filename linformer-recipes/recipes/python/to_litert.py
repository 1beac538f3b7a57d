import sys
import tensorflow as tf

export, model_file = sys.argv[1:]
converter = tf.lite.TFLiteConverter.from_saved_model(
    export + "/tflite-ready", signature_keys=["serving_default"])
converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
with open(model_file, "wb") as file:
    file.write(converter.convert())
