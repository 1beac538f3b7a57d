package dev.linformer.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.MissingNode;
import dev.linformer.bench.Benchmark;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * {@code benchmarks/limits.py}, with a program in the place of a GPU's that needs known amounts.
 */
class LimitsScriptTest {

  /**
   * Lists C0 to C3; C0 needs 4,999 MiB, C1 1,361, C2 fails for its own reasons, C3 needs 397. The
   * first run waits for a second beside it where there is a file {@code together}.
   */
  private static final String PROGRAM =
      """
      import json, os, sys, time
      command, *options = sys.argv[1:]
      needs = {"C0": 4999, "C1": 1361, "C2": 0, "C3": 397}
      if "--list" in options:
          for level in needs:
              print(json.dumps({"name": "work " + level, "batch": 1, "training": True, "xla": False, "config": {
                  "checkpoint_level": level, "precision": "float32", "depth": 2, "nhead": 3, "input_size": 31, "chunk": None}}))
      elif command == "summary":
          print(json.dumps({"memory": {"peak_bytes": {level: 1300 << 20 for level in needs}}}))
      else:
          work = json.loads(options[options.index("--work") + 1])
          level, limit = work["config"]["checkpoint_level"], work["memory_limit_mib"]
          assert (work["warmup"], work["steps"]) == (1, 2)
          def note(file, text):
              with open(os.path.join(os.path.dirname(__file__), file), "a") as out:
                  out.write(text + "\\n")
          note("runs", f"{level} {limit}")
          note("taken", str(limit + 1000))
          def begun():
              with open(os.path.join(os.path.dirname(__file__), "taken")) as lines:
                  return sum(not line.startswith("-") for line in lines)
          if os.path.exists(os.path.join(os.path.dirname(__file__), "together")):
              for _ in range(6000):
                  if begun() > 1:
                      break
                  time.sleep(0.01)
          note("taken", str(-limit - 1000))
          if level == "C2":
              sys.exit("linformer bench: unexpected: the driver is too old")
          if limit < needs[level]:
              sys.exit("linformer bench: unexpected: org.tensorflow.exceptions.TFResourceExhaustedException: OOM when allocating")
          print(json.dumps({"loss": 0.5, "median_ms": 7.0}))
      """;

  @TempDir Path folder;
  private Path program = Path.of("");
  private Path found = Path.of("");

  private record Answer(int code, String text) {}

  @BeforeEach
  void writeProgram() throws IOException {
    program = Files.writeString(folder.resolve("program.py"), PROGRAM);
    found = folder.resolve("limits.jsonl");
  }

  private Answer limits(String linformer, String... options)
      throws IOException, InterruptedException {
    Path script = Path.of("..", "benchmarks", "limits.py").toAbsolutePath().normalize();
    List<String> command = new ArrayList<>(List.of("python3", script.toString()));
    command.addAll(List.of("--json", found.toString()));
    command.addAll(List.of(options));
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.environment().put("LINFORMER", linformer);
    Process process = builder.start();
    String text = String.join("\n", process.inputReader().lines().toList());
    return new Answer(process.waitFor(), text);
  }

  private Answer search(String... options) throws IOException, InterruptedException {
    return limits("python3 " + program, options);
  }

  /** The last line about a level. */
  private JsonNode known(String level) throws IOException {
    JsonNode last = MissingNode.getInstance();
    for (String line : Files.readAllLines(found)) {
      JsonNode row = new ObjectMapper().readTree(line);
      last = row.get("level").asText().equals(level) ? row : last;
    }
    return last;
  }

  private List<String> runs() throws IOException {
    return Files.readAllLines(folder.resolve("runs"));
  }

  private static void assertFound(int needed, JsonNode row) {
    assertTrue(row.get("done").asBoolean(), row::toString);
    int runs = row.get("limit_mib").asInt();
    int fails = row.get("failed_mib").asInt();
    assertTrue(fails < needed && needed <= runs && runs - fails <= 0.03 * runs, row::toString);
    assertEquals(7.0, row.get("step_ms").asDouble());
    assertEquals(31, row.get("n").asInt());
  }

  @Test
  void findsWhatIsNeededAndReportsOtherFailures() throws Exception {
    Path peaks =
        Files.writeString(
            folder.resolve("peaks.json"),
            "{\"device\":\"a GPU\",\"depth\":[{\"program\":\"ours\",\"level\":\"C0\",\"precision\":\"float32\",\"depth\":2,"
                + "\"heads\":3,\"n\":31,\"xla\":false,\"training\":true,\"peak_mib\":4900}]}");
    Files.createFile(folder.resolve("together"));
    Answer answer = search("--jobs", "3", "--gpu-mib", "9000", "--peaks", peaks.toString());
    assertEquals(1, answer.code(), answer.text());
    assertTrue(
        answer
            .text()
            .contains(
                "work C2: not decided: at 1300 MiB: exit code 1: linformer bench: unexpected: the driver is too old"),
        answer.text());
    assertFound(4999, known("C0"));
    assertFound(1361, known("C1"));
    assertFound(397, known("C3"));
    assertEquals(1300, known("C2").get("tried_mib").asInt());
    assertTrue(known("C2").get("failed_mib").isNull(), answer.text());
    assertEquals(1, runs().stream().filter(run -> run.startsWith("C2")).count());
    assertEquals("C0 4900", runs().stream().filter(run -> run.startsWith("C0")).toList().get(0));
    assertTrue(runs().size() < 25, () -> "too many runs");
    sharedTheGpu(9000);

    int before = runs().size();
    search("--jobs", "3");
    assertEquals(before + 1, runs().size()); // C2 once more, and nothing of the others
  }

  /** Runs overlapped, whichever came first, and never wanted more than there is. */
  private void sharedTheGpu(int mib) throws IOException {
    int taken = 0;
    int running = 0;
    int mostAtOnce = 0;
    for (String line : Files.readAllLines(folder.resolve("taken"))) {
      int change = Integer.parseInt(line);
      taken += change;
      running += Integer.signum(change);
      mostAtOnce = Math.max(mostAtOnce, running);
      assertTrue(taken <= mib, "MiB at once: " + taken);
    }
    assertEquals(0, taken);
    assertTrue(mostAtOnce > 1, "runs at once: " + mostAtOnce);
  }

  @Test
  void goesOnWhereItStopped() throws Exception {
    Answer answer = search("--budget-s", "0");
    assertEquals(0, answer.code(), answer.text());
    assertTrue(answer.text().startsWith("no time was left for the end of 4: "), answer.text());
    assertFalse(Files.exists(found));
    Files.writeString(
        found,
        "{\"suite\":\"heads\",\"level\":\"C1\",\"precision\":\"float32\",\"depth\":2,\"heads\":3,\"n\":31,\"chunk\":null,"
            + "\"xla\":false,\"estimate_mib\":1300,\"limit_mib\":1400,\"failed_mib\":1290,\"step_ms\":9.0,\"done\":false}\n");
    search("--suite", "heads");
    assertFound(1361, known("C1"));
    assertEquals(
        List.of("C1 1344", "C1 1372"),
        runs().stream().filter(run -> run.startsWith("C1")).toList());
  }

  @Test
  void saysWhatNoLimitWouldDo() throws Exception {
    Answer answer = search("--gpu-mib", "5500");
    assertTrue(
        answer.text().contains("work C0: not decided: does not run in 4500 MiB"), answer.text());
    assertNotEquals(0, answer.code());
  }

  @Test
  void wantsAGpu() throws Exception {
    assumeFalse(Benchmark.hasGpu());
    Answer answer =
        limits(
            String.join(" ", Child.java(Main.class.getName())),
            "--suite",
            "cpu",
            "--only",
            "c=64 .* train FLOAT32 C3");
    assertEquals(1, answer.code(), answer.text());
    assertTrue(
        answer.text().contains("MiB is for a GPU's memory, and nvidia-smi finds no GPU here"),
        answer.text());
    assertFalse(Files.exists(found));
  }
}
