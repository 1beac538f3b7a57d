package dev.linformer.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.linformer.bench.Benchmark;
import dev.linformer.bench.BenchmarkCase;
import dev.linformer.bench.internal.BenchmarkSuite;
import dev.linformer.bench.internal.ReferenceOutput;
import dev.linformer.io.InvalidInputException;
import dev.linformer.io.internal.AtomicFile;
import dev.linformer.io.internal.JsonObjectReader;
import dev.linformer.io.internal.JsonText;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import org.jspecify.annotations.Nullable;
import org.tensorflow.TensorFlow;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code linformer bench}: time and memory, each work in a process of its own. */
@Command(
    name = "bench",
    description = "Measures time and memory of encoders.",
    footer = {
      "  linformer bench --list",
      "  linformer bench --suite cpu --only n=1024 --json bench.json"
    },
    mixinStandardHelpOptions = true)
final class BenchCommand implements Callable<Integer> {

  private static final int MOST_ROWS = 12; // of a profile
  private static final int MOST_LETTERS = 90; // of a row's name

  @Option(
      names = "--suite",
      description = "What to measure: ${COMPLETION-CANDIDATES}; default ${DEFAULT-VALUE}.")
  private BenchmarkSuite suite = BenchmarkSuite.CPU;

  @Option(names = "--only", description = "Those whose name has a part that matches.")
  private String only = "";

  @Option(
      names = "--xla",
      arity = "1",
      description = "Whether XLA compiles the graphs; default: where there is a GPU.")
  private @Nullable Boolean xla;

  @Option(
      names = "--kernels",
      arity = "1",
      description = "Whether attention, norms and GELU are kernels where those run; default: true.")
  private boolean kernels = true;

  @Option(
      names = "--steps",
      description = "That are measured at least, and for a second; default ${DEFAULT-VALUE}.")
  private int steps = 10;

  @Option(
      names = "--profile",
      description = "Traces a further step: what a GPU's kernels, or operations, take of it.")
  private boolean profiled;

  @Option(
      names = "--memory-limit",
      description = "MiB of a GPU's memory that a work may use; default: all.")
  private int memoryLimit;

  @Option(names = "--json", description = "Where to write the figures.")
  private @Nullable Path json;

  @Option(names = "--list", description = "Prints the works, a line of JSON each, and runs none.")
  private boolean list;

  @Option(names = "--work", description = "One work, as JSON, in this process.")
  private @Nullable String work;

  @Option(
      names = "--check",
      description =
          "With --work: a folder with weights.safetensors and inputs.safetensors (input,"
              + " cotangent); writes output and gradients to answer.safetensors there, and measures"
              + " nothing.")
  private @Nullable Path check;

  @Spec private CommandSpec spec = CommandSpec.create();

  @Override
  public Integer call() throws IOException, InterruptedException {
    TensorFlowLog.quiet(spec);
    PrintWriter out = spec.commandLine().getOut();
    ObjectMapper mapper = new ObjectMapper();
    if (work != null) {
      BenchmarkCase parsed =
          BenchmarkCase.parse(
              new JsonObjectReader(
                  "--work", JsonText.object("--work", work.getBytes(StandardCharsets.UTF_8))));
      out.println(
          check == null
              ? Benchmark.measure(parsed, profiled)
              : ReferenceOutput.write(parsed, check));
      out.flush();
      return 0;
    }
    if (check != null) {
      throw new InvalidInputException("--check needs --work");
    }
    if (steps < 1) {
      throw new InvalidInputException("--steps = %s, but at least 1 is expected".formatted(steps));
    }
    if (memoryLimit < 0) {
      throw new InvalidInputException(
          "--memory-limit = %s, but at least 0 is expected".formatted(memoryLimit));
    }
    if (json != null) {
      AtomicFile.requirePlace("--json", json);
    }
    boolean compiled = xla == null ? Benchmark.hasGpu() : xla;
    Pattern pattern = pattern();
    List<BenchmarkCase> works =
        suite.cases(compiled).stream()
            .filter(each -> pattern.matcher(each.name()).find())
            .map(each -> each.measured(steps).limited(memoryLimit).withKernels(kernels))
            .toList();
    if (list) {
      works.forEach(each -> out.println(each.toJson()));
      return 0;
    }
    Benchmark.requireGpuFor(memoryLimit);
    ArrayNode results = JsonNodeFactory.instance.arrayNode();
    out.printf("%-70s %10s %10s %9s%n", "", "median ms", "first ms", "peak MiB");
    for (BenchmarkCase each : works) {
      ObjectNode result = inOwnProcess(mapper, each, profiled);
      results.add(result);
      out.printf(
          "%-70s %10s %10s %9s%n",
          each.name(),
          number(result, "median_ms"),
          number(result, "first_step_ms"),
          number(result, "peak_mib"));
      print(out, result.path("profile"));
      out.flush();
    }
    if (json != null) {
      ObjectNode all =
          mapper
              .createObjectNode()
              .put("date", LocalDate.now(ZoneOffset.UTC).toString())
              .put("tensorflow", TensorFlow.version())
              .put("device", Benchmark.device());
      all.set("results", results);
      AtomicFile.write(json, mapper.writerWithDefaultPrettyPrinter().writeValueAsBytes(all));
    }
    return 0;
  }

  private Pattern pattern() {
    try {
      return Pattern.compile(only);
    } catch (PatternSyntaxException e) {
      throw new InvalidInputException("--only: not a regular expression: " + only, e);
    }
  }

  private static String number(ObjectNode result, String key) {
    return result.hasNonNull(key)
        ? String.format(Locale.ROOT, "%.2f", result.get(key).asDouble())
        : "-";
  }

  /** The rows that take longest, and the rest in one. */
  private static void print(PrintWriter out, JsonNode profile) {
    int others = 0;
    double micros = 0;
    for (int i = 0; i < profile.size(); i++) {
      JsonNode row = profile.get(i);
      if (i < MOST_ROWS) {
        printRow(out, row.get("us").asDouble(), row.get("count").asInt(), row.get("what").asText());
      } else {
        others += row.get("count").asInt();
        micros += row.get("us").asDouble();
      }
    }
    if (others > 0) {
      printRow(out, micros, others, "others");
    }
  }

  private static void printRow(PrintWriter out, double micros, int count, String what) {
    String name = what.length() > MOST_LETTERS ? what.substring(0, MOST_LETTERS) + "…" : what;
    out.printf(Locale.ROOT, "%12.0f µs %5d × %s%n", micros, count, name);
  }

  /** What a process of its own says of a work; its error where it failed. */
  private static ObjectNode inOwnProcess(ObjectMapper mapper, BenchmarkCase work, boolean profiled)
      throws IOException, InterruptedException {
    Path answer = Files.createTempFile("linformer-bench", ".json");
    Path log = Files.createTempFile("linformer-bench", ".log");
    try {
      List<String> command = new ArrayList<>();
      command.add(ProcessHandle.current().info().command().orElse("java"));
      command.add("-Dorg.bytedeco.javacpp.maxPhysicalBytes=0");
      command.addAll(List.of("-cp", System.getProperty("java.class.path")));
      command.addAll(List.of(Main.class.getName(), "bench", "--work", work.toJson().toString()));
      if (profiled) {
        command.add("--profile");
      }
      ProcessBuilder builder =
          new ProcessBuilder(command).redirectOutput(answer.toFile()).redirectError(log.toFile());
      // The pool of the driver, so that nvidia-smi sees what is in use.
      if (work.memoryLimit() == 0) {
        builder.environment().putIfAbsent("TF_GPU_ALLOCATOR", "cuda_malloc_async");
      }
      int code = builder.start().waitFor();
      String text = Files.readString(answer, StandardCharsets.UTF_8).strip();
      if (code == 0 && mapper.readTree(text) instanceof ObjectNode result) {
        return result;
      }
      List<String> lines =
          Files.readAllLines(log, StandardCharsets.UTF_8).stream()
              .filter(line -> line.contains("linformer bench"))
              .toList();
      String error = lines.isEmpty() ? "exit code " + code : lines.get(lines.size() - 1);
      return work.toJson().put("error", error);
    } finally {
      Files.delete(answer);
      Files.delete(log);
    }
  }
}
