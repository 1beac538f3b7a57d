import sys
import numpy as np
from ai_edge_litert.interpreter import Interpreter

model_file, tokens_file, logits_file = sys.argv[1:]
classify = Interpreter(model_path=model_file).get_signature_runner()
n = classify.get_input_details()["tokens"]["shape"][1]
tokens = np.fromfile(tokens_file, np.int32).reshape(-1, n)
classify(tokens=tokens)["logits"].tofile(logits_file)
