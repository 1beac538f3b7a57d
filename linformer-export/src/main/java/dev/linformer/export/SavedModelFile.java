package dev.linformer.export;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.tensorflow.Operand;
import org.tensorflow.SavedModelBundle;
import org.tensorflow.Signature;
import org.tensorflow.TensorFlow;
import org.tensorflow.exceptions.TensorFlowException;
import org.tensorflow.proto.GraphDef;
import org.tensorflow.proto.MetaGraphDef;
import org.tensorflow.proto.SavedModel;
import org.tensorflow.proto.SaverDef;

/** Writes saved_model.pb, with the weights in variables/ or in the graph. */
final class SavedModelFile {

  static final String NAME = "saved_model.pb";

  /** What the names of the files with the weights begin with. */
  static final String VARIABLES = "variables/variables.";

  private SavedModelFile() {}

  /** With variables. Nothing is left in the graph but what signatures and restoring need. */
  static void writeWithVariables(ServingGraph serving, Path folder) throws IOException {
    try {
      SavedModelBundle.exporter(folder.toString())
          .withTags(SavedModelBundle.DEFAULT_TAG)
          .withSession(serving.session())
          .withSignature(anyOf(serving))
          .export();
    } catch (TensorFlowException e) {
      throw ofFiles(e, folder);
    }
    Path file = folder.resolve(NAME);
    SavedModel.Builder model;
    try (InputStream in = Files.newInputStream(file)) {
      model = SavedModel.parseFrom(in).toBuilder();
    }
    MetaGraphDef.Builder meta = model.getMetaGraphsBuilder(0);
    SaverDef saver = meta.getSaverDef();
    Set<String> roots = roots(serving.signatures());
    roots.add(saver.getRestoreOpName());
    roots.add(GraphDefs.nodeOf(saver.getSaveTensorName()));
    roots.add(GraphDefs.nodeOf(saver.getFilenameTensorName()));
    meta.setGraphDef(CompactGraph.of(meta.getGraphDef(), roots));
    meta.getMetaInfoDefBuilder().setStrippedDefaultAttrs(true);
    putSignatures(serving, meta);
    ProtobufFile.write(model.build(), file);
  }

  /**
   * TensorFlow says of a file that it can't write: its name; the reason, and in more lines where.
   */
  private static IOException ofFiles(TensorFlowException failure, Path folder) {
    String line = String.valueOf(failure.getMessage()).lines().findFirst().orElse("");
    int reason = line.lastIndexOf("; ");
    if (reason < 0 || !line.startsWith(folder.toString())) {
      throw failure;
    }
    IOException said =
        new FileSystemException(
            folder.resolve("variables").toString(), null, line.substring(reason + 2));
    said.initCause(failure);
    return said;
  }

  /** Without variables. */
  static void writeFrozen(ServingGraph serving, GraphDef frozen, Path folder) throws IOException {
    Files.createDirectories(folder);
    MetaGraphDef.Builder meta = MetaGraphDef.newBuilder().setGraphDef(frozen);
    meta.getMetaInfoDefBuilder()
        .addTags(SavedModelBundle.DEFAULT_TAG)
        .setTensorflowVersion(TensorFlow.version());
    putSignatures(serving, meta);
    SavedModel model =
        SavedModel.newBuilder().setSavedModelSchemaVersion(1).addMetaGraphs(meta).build();
    ProtobufFile.write(model, folder.resolve(NAME));
  }

  private static void putSignatures(ServingGraph serving, MetaGraphDef.Builder meta) {
    meta.clearSignatureDef();
    serving.signatures().forEach(each -> meta.putSignatureDef(each.name(), each.toProto()));
  }

  /** The exporter wants a signature; all of them are put into its file afterwards. */
  private static Signature anyOf(ServingGraph serving) {
    Operand<?> output = serving.signatures().get(0).outputs().get(0).operand();
    return Signature.builder().key("any").output("y", output).build();
  }

  /** Inputs and outputs of signatures by their nodes' names. */
  static Set<String> roots(List<ServingSignature> signatures) {
    Set<String> roots = new LinkedHashSet<>();
    for (ServingSignature signature : signatures) {
      signature.inputs().forEach(each -> roots.add(each.node()));
      signature.outputs().forEach(each -> roots.add(each.node()));
    }
    return roots;
  }
}
