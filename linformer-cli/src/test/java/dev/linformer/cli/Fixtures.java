package dev.linformer.cli;

import dev.linformer.io.internal.AtomicFolder;
import dev.linformer.model.ModelConfig;
import dev.linformer.model.data.ListOps;
import dev.linformer.model.data.ListOpsTask;
import dev.linformer.model.train.TrainerConfig;
import dev.linformer.model.train.TrainingRun;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.stream.Collectors;

/** Small models and inputs on disk. */
final class Fixtures {

  /** n = 6, c = 4, k = 3, f = 5, h = 2, so d = 2. */
  static final String ENCODER =
      """
      {"input_size": 6, "channels": 4, "dim_k": 3, "dim_ff": 5, "nhead": 2}""";

  /** n = 24, c = 8, k = 4, h = 2. */
  static final String CLASSIFIER =
      """
      {"model_type": "classifier", "input_size": 24, "channels": 8, "dim_k": 4, "dim_ff": 16,
       "nhead": 2, "num_tokens": 16, "num_classes": 10}""";

  private Fixtures() {}

  static Path config(Path folder, String json) throws IOException {
    String name = "config-%s.json".formatted(Integer.toHexString(json.hashCode()));
    return Files.writeString(folder.resolve(name), json);
  }

  /** What {@code train} leaves behind, with few examples, and no step done. */
  static void trained(Path folder, Path config) throws IOException {
    Cli.done("init", "--config", config, "--out", folder);
    ListOpsTask task = new ListOpsTask(new ListOps.Settings(10, 25, 10, 5), 200, 50, 50, 1);
    TrainerConfig trainer =
        TrainerConfig.builder(30).batchSize(8).learningRate(1e-3).threads(1).build();
    Path begun = folder.resolveSibling(folder.getFileName() + "-begun");
    TrainingRun.create(begun, ModelConfig.read(config), task, trainer).close();
    Files.move(begun.resolve("trainer_state.json"), folder.resolve("trainer_state.json"));
    AtomicFolder.delete(begun);
  }

  static void truncate(Path file) throws IOException {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      channel.truncate(channel.size() - 5);
    }
  }

  /** An .npy file of int32. */
  static Path ints(Path file, String shape, int... values) throws IOException {
    ByteBuffer data =
        ByteBuffer.allocate(Integer.BYTES * values.length).order(ByteOrder.LITTLE_ENDIAN);
    data.asIntBuffer().put(values);
    return npy(file, "<i4", shape, data.array());
  }

  /** An .npy file of any dtype. */
  static Path npy(Path file, String dtype, String shape, byte[] data) throws IOException {
    byte[] text =
        "{'descr': '%s', 'fortran_order': False, 'shape': %s, }\n"
            .formatted(dtype, shape)
            .getBytes(StandardCharsets.ISO_8859_1);
    ByteBuffer bytes =
        ByteBuffer.allocate(10 + text.length + data.length).order(ByteOrder.LITTLE_ENDIAN);
    bytes.put(new byte[] {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0});
    bytes.putShort((short) text.length).put(text).put(data);
    return Files.write(file, bytes.array());
  }

  /** Every file and folder below one, with the files' content. */
  static String tree(Path folder) throws IOException {
    try (var all = Files.walk(folder)) {
      return all.sorted()
          .map(path -> folder.relativize(path) + content(path))
          .collect(Collectors.joining("\n"));
    }
  }

  private static String content(Path path) {
    try {
      return Files.isDirectory(path) ? "/" : ": " + Arrays.hashCode(Files.readAllBytes(path));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
