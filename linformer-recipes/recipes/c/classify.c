#include <stdio.h>
#include <stdlib.h>
#include <tensorflow/c/c_api.h>

static void check(TF_Status* status) {
  if (TF_GetCode(status) != TF_OK) {
    fprintf(stderr, "%s\n", TF_Message(status));
    exit(1);
  }
}

/* classify EXPORT TOKENS LOGITS N */
int main(int argc, char** argv) {
  const char* tags[] = {"serve"};
  TF_Status* status = TF_NewStatus();
  TF_Graph* graph = TF_NewGraph();
  TF_SessionOptions* options = TF_NewSessionOptions();
  TF_Session* session =
      TF_LoadSessionFromSavedModel(options, NULL, argv[1], tags, 1, graph, NULL, status);
  check(status);

  FILE* in = fopen(argv[2], "rb");
  fseek(in, 0, SEEK_END);
  size_t bytes = ftell(in);
  rewind(in);
  int64_t n = atoi(argv[4]);
  int64_t shape[] = {bytes / (n * sizeof(int32_t)), n};
  TF_Tensor* tokens = TF_AllocateTensor(TF_INT32, shape, 2, bytes);
  if (fread(TF_TensorData(tokens), 1, bytes, in) != bytes) return 1;
  fclose(in);

  TF_Output input = {TF_GraphOperationByName(graph, "tokens"), 0};
  TF_Output output = {TF_GraphOperationByName(graph, "logits"), 0};
  TF_Tensor* logits;
  TF_SessionRun(session, NULL, &input, &tokens, 1, &output, &logits, 1, NULL, 0, NULL, status);
  check(status);

  FILE* out = fopen(argv[3], "wb");
  fwrite(TF_TensorData(logits), 1, TF_TensorByteSize(logits), out);
  fclose(out);
  return 0;
}
