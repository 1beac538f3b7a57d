package dev.linformer.model.internal.weights;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.linformer.io.internal.AtomicFolder;
import dev.linformer.io.internal.JsonObjectReader;
import dev.linformer.model.LinformerClassifierConfig;
import dev.linformer.model.LinformerConfig;
import dev.linformer.model.LinformerEncDecConfig;
import dev.linformer.model.LinformerLMConfig;
import dev.linformer.model.ModelConfig;
import dev.linformer.model.convert.WeightImport;
import dev.linformer.model.data.Task;
import dev.linformer.model.data.TaskData;
import dev.linformer.model.internal.weights.SafetensorsWriter.Tensor;
import dev.linformer.model.train.TrainerConfig;
import dev.linformer.model.train.TrainingState;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.GZIPOutputStream;
import java.util.zip.ZipFile;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.DataBuffers;

/**
 * A reader of files, for {@link ReadersFuzzTest}.
 *
 * @param name a file's
 * @param seeds bytes that are changed, valid ones
 * @param writer makes a file of changed bytes
 */
record FuzzedReader(String name, List<byte[]> seeds, Writer writer, Read read) {

  /** Makes a file of bytes, such as an archive around them. */
  interface Writer {
    void write(Path file, byte[] bytes) throws IOException;
  }

  /** Reads all of a file. */
  interface Read {
    void read(Path file) throws IOException;
  }

  private static final Path PT = Path.of("src/test/resources/pt");

  /** Of tensors that are larger none is read: they may be as large as they say. */
  private static final long MOST_VALUES = 1 << 16;

  /** All readers; another one is another line. */
  static List<FuzzedReader> all() throws IOException {
    Path folder = Files.createTempDirectory("seeds");
    try {
      List<byte[]> npy = npy(folder);
      List<byte[]> json = List.of(text("{\"a\": [1, \"x\", {\"b\": null}], \"c\": 1.5e3}"));
      return List.of(
          plain("x.safetensors", safetensors(folder), file -> tensors(file)),
          plain("x.npy", npy, NpyFile::read),
          plain("x.npz", npz(folder, npy), file -> tensors(file)),
          wrapped("x.npz", npy, "w.npy", file -> tensors(file)),
          plain("x.pt", List.of(bytes("kinds.pt"), bytes("linformer.pt")), file -> tensors(file)),
          new FuzzedReader("x.pt", pickles(), FuzzedReader::writePickle, file -> tensors(file)),
          plain("config.json", configs(), ModelConfig::read),
          plain("dims.json", lucidrains(), file -> WeightImport.config("linformer", file)),
          plain(
              "settings.json",
              settings(),
              file -> TrainerConfig.parse(JsonObjectReader.read(file))),
          plain("state.json", states(), file -> TrainingState.parse(JsonObjectReader.read(file))),
          plain("any.json", json, JsonObjectReader::read),
          plain("x.csv", tables(',', true), file -> examples("classify", file)),
          plain("x.tsv", tables('\t', false), file -> examples("classify", file)),
          plain("x.txt", texts(), file -> examples("masked-lm", file)));
    } finally {
      AtomicFolder.delete(folder);
    }
  }

  private static FuzzedReader plain(String name, List<byte[]> seeds, Read read) {
    return new FuzzedReader(name, seeds, Files::write, read);
  }

  /** The bytes are an entry of an archive, whose checksum fits. */
  private static FuzzedReader wrapped(String name, List<byte[]> seeds, String entry, Read read) {
    return new FuzzedReader(
        name, seeds, (file, bytes) -> Zips.write(file, Map.of(entry, bytes), true), read);
  }

  private static void writePickle(Path file, byte[] pickle) throws IOException {
    Map<String, byte[]> entries = new LinkedHashMap<>();
    entries.put("x/data.pkl", pickle);
    for (int i = 0; i < 16; i++) {
      entries.put("x/data/" + i, new byte[96]);
    }
    Zips.write(file, entries, false);
  }

  private static void tensors(Path file) throws IOException {
    try (TensorFile tensors = TensorFile.open(file)) {
      for (String name : tensors.names()) {
        long size = tensors.shape(name).size();
        if (size <= MOST_VALUES) {
          tensors.read(name, DataBuffers.ofFloats(size));
        }
      }
    }
  }

  private static void examples(String task, Path file) throws IOException {
    ObjectNode json = JsonNodeFactory.instance.objectNode().put("name", task);
    json.putArray("data").add(file.toString());
    ModelConfig model =
        task.equals("classify")
            ? LinformerClassifierConfig.builder(encoder(), 257, 10).tokenDropout(0).build()
            : LinformerLMConfig.builder(encoder(), 257).embeddingDim(8).tokenDropout(0).build();
    try (TaskData data = Task.parse(new JsonObjectReader("task", json), 16).open(model)) {
      data.train(0, 2);
    }
  }

  private static LinformerConfig encoder() {
    return LinformerConfig.builder(16, 8, 4).build();
  }

  /** Short texts of two classes, plain and packed. */
  private static List<byte[]> tables(char separator, boolean quoted) throws IOException {
    StringBuilder table = new StringBuilder("text%slabel\n".formatted(separator));
    for (int i = 0; i < 20; i++) {
      String text = quoted && i % 3 == 0 ? "\"a \"\"b\"\"\"" : "text " + i;
      table.append(text).append(separator).append(i % 2).append('\n');
    }
    return List.of(text(table.toString()), packed(text(table.toString())));
  }

  private static List<byte[]> texts() throws IOException {
    byte[] plain = text("na\u00efve words, and \ud83d\ude42 more of them\r\n".repeat(20));
    return List.of(plain, packed(plain));
  }

  private static byte[] packed(byte[] bytes) throws IOException {
    ByteArrayOutputStream packed = new ByteArrayOutputStream();
    try (GZIPOutputStream out = new GZIPOutputStream(packed)) {
      out.write(bytes);
    }
    return packed.toByteArray();
  }

  private static byte[] bytes(String name) throws IOException {
    return Files.readAllBytes(PT.resolve(name));
  }

  private static byte[] text(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static List<byte[]> safetensors(Path folder) throws IOException {
    Path file = folder.resolve("x.safetensors");
    SafetensorsWriter.write(
        file,
        Map.of("format", "pt"),
        List.of(
            new Tensor("v", Shape.of(2, 3), DataBuffers.ofFloats(6)),
            new Tensor("w.weight", Shape.of(5), DataBuffers.ofFloats(5))));
    return List.of(Files.readAllBytes(file));
  }

  private static List<byte[]> npy(Path folder) throws IOException {
    byte[] floats = Zips.npy(folder, Shape.of(2, 3), 1, 2, 3, 4, 5, 6);
    String latin1 = new String(floats, StandardCharsets.ISO_8859_1);
    return List.of(
        floats,
        latin1
            .replace("<f4", ">i4")
            .replace("False,", "True, ")
            .getBytes(StandardCharsets.ISO_8859_1),
        latin1
            .replace("<f4", "<u8")
            .replace("(2, 3)", "(1, 3)")
            .getBytes(StandardCharsets.ISO_8859_1));
  }

  private static List<byte[]> npz(Path folder, List<byte[]> npy) throws IOException {
    Map<String, byte[]> entries = new LinkedHashMap<>();
    entries.put("a.weight.npy", npy.get(0));
    entries.put("b.npy", npy.get(0));
    return List.of(
        Files.readAllBytes(Zips.write(folder.resolve("a.npz"), entries, true)),
        Files.readAllBytes(Zips.write(folder.resolve("b.npz"), entries, false)));
  }

  private static List<byte[]> pickles() throws IOException {
    try (ZipFile kinds = new ZipFile(PT.resolve("kinds.pt").toFile());
        ZipFile model = new ZipFile(PT.resolve("linformer.pt").toFile())) {
      return List.of(
          kinds.getInputStream(kinds.getEntry("kinds/data.pkl")).readAllBytes(),
          model.getInputStream(model.getEntry("linformer/data.pkl")).readAllBytes());
    }
  }

  private static List<byte[]> configs() {
    LinformerConfig encoder = LinformerConfig.builder(16, 8, 4).depth(2).build();
    var language = LinformerLMConfig.builder(encoder, 16).embeddingDim(8).build();
    var source =
        LinformerLMConfig.builder(encoder, 16).embeddingDim(8).returnEmbeddings(true).build();
    var decoder = LinformerConfig.builder(16, 8, 4).decoderMode(true).causal(true).build();
    var target = LinformerLMConfig.builder(decoder, 16).embeddingDim(8).build();
    List<ModelConfig> configs =
        List.of(
            encoder,
            LinformerClassifierConfig.builder(encoder, 16, 10).build(),
            language,
            new LinformerEncDecConfig(source, target));
    return configs.stream().map(config -> text(config.toJson().toPrettyString())).toList();
  }

  private static List<byte[]> lucidrains() {
    return List.of(
        text(
            "{\"dim\": 8, \"seq_len\": 16, \"depth\": 2, \"heads\": 2, \"k\": 4, \"dim_head\": 3,"
                + " \"num_tokens\": 16, \"one_kv_head\": true, \"share_kv\": true}"));
  }

  private static List<byte[]> settings() {
    var none = JsonNodeFactory.instance.objectNode().put("max_steps", 7);
    return List.of(
        text(TrainerConfig.parse(new JsonObjectReader("seed", none)).toJson().toPrettyString()));
  }

  private static List<byte[]> states() {
    return List.of(text(TrainingState.START.toJson().toPrettyString()));
  }
}
