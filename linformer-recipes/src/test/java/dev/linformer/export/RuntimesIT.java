package dev.linformer.export;

import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.linformer.io.internal.AtomicFolder;
import dev.linformer.model.ModelDirectory;
import dev.linformer.model.internal.weights.NpyFile;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Every recipe of docs/export.md computes, for the same 20 sequences, what the model does; with
 * weights in bfloat16, wherever a format has them, what the model with rounded weights does.
 */
class RuntimesIT {

  private static final int SEQUENCES = 20;
  private static final Path RECIPES = Path.of("recipes").toAbsolutePath();
  private static final Path TARGET = Path.of("target").toAbsolutePath();
  private static final Duration LIMIT = Duration.ofMinutes(15);
  private static final Map<String, String> QUIET = Map.of("TF_CPP_MIN_LOG_LEVEL", "2");

  private static Path folder = Path.of("");
  private static final Map<StoragePrecision, Path> EXPORTS = new EnumMap<>(StoragePrecision.class);
  private static Path tokens = Path.of("");
  private static final Map<StoragePrecision, Oracle> ORACLES =
      new EnumMap<>(StoragePrecision.class);
  private static Feed feed = Feed.random(List.of(), 1, 0, 1); // until there is a model

  @BeforeAll
  static void export() throws IOException {
    folder = Files.createTempDirectory("runtimes");
    ModelDirectory model =
        Models.save(
            Objects.requireNonNull(ModelZoo.all().get("classifier, LEARNABLE")),
            11,
            folder.resolve("model"));
    ExportOptions halved =
        ExportOptions.savedModel()
            .withFormats(
                ExportFormat.SAVEDMODEL,
                ExportFormat.FROZEN,
                ExportFormat.TFLITE_READY,
                ExportFormat.ONNX)
            .withPrecision(StoragePrecision.BFLOAT16);
    ExportOptions whole =
        halved
            .withFormats(ExportFormat.TFJS, halved.formats().toArray(ExportFormat[]::new))
            .withPrecision(StoragePrecision.FLOAT32);
    for (ExportOptions options : List.of(whole, halved)) {
      Path out = folder.resolve("export-" + options.precision());
      EXPORTS.put(options.precision(), ModelExporter.export(model, out, options));
      ORACLES.put(options.precision(), Oracle.of(model, options.precision()));
    }
    try (InferenceGraph live = InferenceGraph.load(model)) {
      feed = Feed.random(live.inputs(), SEQUENCES, 0, 1);
      tokens = write("tokens.bin", feed.values().values().iterator().next().ints());
    }
  }

  @AfterAll
  static void delete() throws IOException {
    ORACLES.values().forEach(Oracle::close);
    AtomicFolder.delete(folder);
  }

  private static Path write(String name, int[] values) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asIntBuffer().put(values);
    return Files.write(folder.resolve(name), bytes.array());
  }

  private static void compare(String runtime, StoragePrecision precision, Path logits)
      throws IOException {
    compare(runtime, precision, read(logits));
  }

  private static float[] read(Path file) throws IOException {
    ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
    float[] values = new float[bytes.remaining() / 4];
    bytes.asFloatBuffer().get(values);
    return values;
  }

  private static void compare(String runtime, StoragePrecision precision, float[] found) {
    String what = "%s, %s".formatted(runtime, precision.key());
    Objects.requireNonNull(ORACLES.get(precision)).assertClose(what, feed, found);
  }

  private static String export(StoragePrecision precision) {
    return Objects.requireNonNull(EXPORTS.get(precision)).toString();
  }

  private static List<String> arguments(StoragePrecision precision, Path logits) {
    return List.of(export(precision), tokens.toString(), logits.toString());
  }

  @ParameterizedTest
  @CsvSource({
    "saved_model,FLOAT32",
    "saved_model,BFLOAT16",
    "frozen,FLOAT32",
    "frozen,BFLOAT16",
    "tflite,FLOAT32",
    "tflite,BFLOAT16",
    "onnx_runtime,FLOAT32",
    "onnx_runtime,BFLOAT16"
  })
  void python(String recipe, StoragePrecision precision) throws IOException {
    Path logits = folder.resolve(recipe + precision + ".bin");
    Python.run(RECIPES.resolve("python/" + recipe + ".py"), arguments(precision, logits));
    compare(recipe, precision, logits);
  }

  /** Converted once, and run where there is LiteRT alone. */
  @ParameterizedTest
  @EnumSource
  void liteRt(StoragePrecision precision) throws IOException {
    String model = folder.resolve("model" + precision + ".tflite").toString();
    Path logits = folder.resolve("litert" + precision + ".bin");
    Python.run(RECIPES.resolve("python/to_litert.py"), List.of(export(precision), model));
    Python.run(
        RECIPES.resolve("python/run_litert.py"),
        List.of(model, tokens.toString(), logits.toString()));
    compare("LiteRT", precision, logits);
  }

  /** What a model that was trained with its padding masked is exported as. */
  @ParameterizedTest
  @ValueSource(strings = {"masked", "keras_layer"})
  void pythonWithAMask(String recipe) throws IOException {
    ModelDirectory model =
        Models.save(
            Objects.requireNonNull(ModelZoo.all().get("classifier, LEARNABLE")),
            12,
            folder.resolve(recipe));
    Files.writeString(
        model.trainerStateFile(), "{\"task\": {\"name\": \"classify\", \"data\": [\"a.csv\"]}}");
    Path version = ModelExporter.export(model, folder.resolve(recipe + "-export"));
    try (Oracle oracle = Oracle.of(model, Set.of("mask"));
        InferenceGraph live = InferenceGraph.load(model, Set.of("mask"))) {
      Feed padded = Feed.random(live.inputs(), SEQUENCES, 0, 2);
      boolean[] mask = padded.value("mask").flags();
      int[] lengths = new int[SEQUENCES];
      for (int i = 0; i < mask.length; i++) {
        lengths[i / ModelZoo.N] += mask[i] ? 1 : 0;
      }
      Path logits = folder.resolve(recipe + ".bin");
      Python.run(
          RECIPES.resolve("python/" + recipe + ".py"),
          List.of(
              version.toString(),
              write(recipe + "-tokens.bin", padded.value("tokens").ints()).toString(),
              write("lengths.bin", lengths).toString(),
              logits.toString()));
      oracle.assertClose(recipe, padded, read(logits));
    }
  }

  @Test
  void savedModelCliShows() throws IOException {
    Path cli = Python.interpreter().resolveSibling("saved_model_cli");
    String shown =
        Commands.run(
            List.of(cli.toString(), "show", "--dir", export(StoragePrecision.FLOAT32), "--all"),
            LIMIT,
            QUIET);
    for (String line :
        new String[] {
          "signature_def['serving_default']",
          "inputs['tokens'] tensor_info:",
          "shape: (-1, %s)".formatted(ModelZoo.N),
          "outputs['logits'] tensor_info:",
          "Method name is: tensorflow/serving/predict"
        }) {
      assertTrue(shown.contains(line), shown);
    }
  }

  @ParameterizedTest
  @EnumSource
  void savedModelCli(StoragePrecision precision) throws IOException {
    Path cli = Python.interpreter().resolveSibling("saved_model_cli");
    Path out = Files.createDirectory(folder.resolve("cli" + precision));
    Commands.run(
        List.of(
            cli.toString(),
            "run",
            "--dir",
            export(precision),
            "--tag_set",
            "serve",
            "--signature_def",
            "serving_default",
            "--inputs",
            "tokens=" + npy(),
            "--outdir",
            out.toString()),
        LIMIT,
        QUIET);
    compare("saved_model_cli", precision, NpyFile.read(out.resolve("logits.npy")).floats());
  }

  /** The tokens as a file of NumPy's. */
  private static Path npy() throws IOException {
    byte[] header =
        "{'descr': '<i4', 'fortran_order': False, 'shape': (%s, %s), }\n"
            .formatted(SEQUENCES, ModelZoo.N)
            .getBytes(StandardCharsets.ISO_8859_1);
    byte[] values = Files.readAllBytes(tokens);
    ByteBuffer bytes =
        ByteBuffer.allocate(10 + header.length + values.length).order(ByteOrder.LITTLE_ENDIAN);
    bytes.put(new byte[] {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0});
    bytes.putShort((short) header.length).put(header).put(values);
    return Files.write(folder.resolve("tokens.npy"), bytes.array());
  }

  @Test
  void c() throws IOException {
    assumeTrue(has("gcc"), "there is no gcc");
    Path headers =
        Path.of(
            Commands.run(
                    List.of(
                        Python.interpreter().toString(),
                        "-c",
                        "import sysconfig; print(sysconfig.get_paths()['purelib'])"),
                    LIMIT,
                    QUIET)
                .strip(),
            "tensorflow",
            "include");
    Path natives = natives();
    Path program = folder.resolve("classify");
    Commands.run(
        List.of(
            "gcc",
            "-I" + headers,
            RECIPES.resolve("c/classify.c").toString(),
            natives.resolve("libtensorflow_cc.so.2").toString(),
            natives.resolve("libtensorflow_framework.so.2").toString(),
            "-Wl,-rpath," + natives,
            "-o",
            program.toString()),
        LIMIT,
        QUIET);
    for (StoragePrecision precision : StoragePrecision.values()) {
      Path logits = folder.resolve("c" + precision + ".bin");
      Commands.run(command(List.of(program.toString()), precision, logits), LIMIT, QUIET);
      compare("C", precision, logits);
    }
  }

  @Test
  void javascript() throws IOException {
    assumeTrue(has("npm"), "there is no npm");
    Path project = TARGET.resolve("javascript");
    copy(RECIPES.resolve("javascript"), project);
    if (!Files.isDirectory(project.resolve("node_modules"))) {
      Commands.run(List.of("npm", "install", "--no-audit", "--no-fund"), project, LIMIT, Map.of());
    }
    Path logits = folder.resolve("javascript.bin");
    List<String> command = new ArrayList<>(List.of("node", "classify.js"));
    command.addAll(arguments(StoragePrecision.FLOAT32, logits)); // there is no other
    Commands.run(command, project, LIMIT, Map.of());
    compare("JavaScript", StoragePrecision.FLOAT32, logits);
  }

  @Test
  void djl() throws IOException {
    assumeTrue(
        System.getProperty("os.name").equals("Linux")
            && System.getProperty("os.arch").equals("amd64"),
        "the recipe's natives are for Linux on x86-64");
    Path project = TARGET.resolve("djl");
    copy(RECIPES.resolve("djl"), project);
    Path classPath = project.resolve("classpath");
    if (!Files.exists(classPath)) {
      Commands.run(
          List.of(
              Path.of("..", "mvnw").toAbsolutePath().normalize().toString(),
              "-q",
              "-f",
              project.resolve("pom.xml").toString(),
              "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:build-classpath",
              "-Dmdep.outputFile=" + classPath),
          LIMIT,
          Map.of());
    }
    String jars = Files.readString(classPath).strip();
    Path natives = unpack(jars, TARGET.resolve("djl-natives"));
    List<String> program =
        List.of(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-cp",
            jars,
            project.resolve("Classify.java").toString());
    for (StoragePrecision precision : StoragePrecision.values()) {
      Path logits = folder.resolve("djl" + precision + ".bin");
      Commands.run(
          command(program, precision, logits),
          LIMIT,
          Map.of("TENSORFLOW_LIBRARY_PATH", natives.toString(), "TF_CPP_MIN_LOG_LEVEL", "2"));
      compare("DJL", precision, logits);
    }
  }

  /**
   * Cargo takes minutes to build TensorFlow's binding, so only on demand: -Dlinformer.rust=true.
   */
  @Test
  @EnabledIfSystemProperty(named = "linformer.rust", matches = "true")
  void rust() throws IOException {
    Path project = TARGET.resolve("rust");
    copy(RECIPES.resolve("rust"), project);
    Path natives = natives();
    for (String library : new String[] {"tensorflow_cc", "tensorflow_framework"}) {
      Path link = natives.resolve("lib" + library + ".so");
      if (!Files.exists(link)) {
        Files.createSymbolicLink(link, Path.of("lib" + library + ".so.2"));
      }
    }
    Files.writeString(
        project.resolve("tensorflow.pc"),
        """
        Name: tensorflow
        Description: the libraries of TensorFlow Java
        Version: 2.18.0
        Libs: -L%s -ltensorflow_cc -ltensorflow_framework
        """
            .formatted(natives));
    Commands.run(
        List.of("cargo", "build"),
        project,
        Duration.ofMinutes(20),
        Map.of("PKG_CONFIG_PATH", project.toString()));
    for (StoragePrecision precision : StoragePrecision.values()) {
      Path logits = folder.resolve("rust" + precision + ".bin");
      Commands.run(
          command(List.of(project.resolve("target/debug/classify").toString()), precision, logits),
          LIMIT,
          Map.of("LD_LIBRARY_PATH", natives.toString(), "TF_CPP_MIN_LOG_LEVEL", "2"));
      compare("Rust", precision, logits);
    }
  }

  /** A program, the three files and n. */
  private static List<String> command(
      List<String> program, StoragePrecision precision, Path logits) {
    List<String> command = new ArrayList<>(program);
    command.addAll(arguments(precision, logits));
    command.add(Integer.toString(ModelZoo.N));
    return command;
  }

  private static boolean has(String program) {
    try {
      Commands.run(List.of(program, "--version"), LIMIT, Map.of());
      return true;
    } catch (IOException e) {
      return false;
    }
  }

  private static void copy(Path from, Path to) throws IOException {
    Files.createDirectories(to);
    try (var files = Files.list(from)) {
      for (Path file : files.toList()) {
        Files.copy(file, to.resolve(file.getFileName()), StandardCopyOption.REPLACE_EXISTING);
      }
    }
  }

  /** TensorFlow's libraries, out of the jar on the class path. */
  static Path natives() throws IOException {
    return unpack(System.getProperty("java.class.path"), TARGET.resolve("natives"));
  }

  private static Path unpack(String classPath, Path into) throws IOException {
    if (Files.isDirectory(into)) {
      return into;
    }
    AtomicFolder.create(
        into,
        aside -> {
          for (String jar : classPath.split(File.pathSeparator, -1)) {
            if (jar.matches(".*tensorflow-core-native-[^/]*-linux-[^/]*\\.jar")) {
              unpackLibraries(Path.of(jar), aside);
            }
          }
        });
    return into;
  }

  private static void unpackLibraries(Path jar, Path into) throws IOException {
    try (ZipFile zip = new ZipFile(jar.toFile())) {
      for (ZipEntry entry : zip.stream().filter(each -> each.getName().contains(".so")).toList()) {
        String name = Path.of(entry.getName()).getFileName().toString();
        try (InputStream in = zip.getInputStream(entry)) {
          Files.copy(in, into.resolve(name));
        }
      }
    }
  }
}
