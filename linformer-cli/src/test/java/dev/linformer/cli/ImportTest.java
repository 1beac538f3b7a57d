package dev.linformer.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Weights of other packages in, and out again. */
class ImportTest {

  private static final Path PT = Path.of("../linformer-model/src/test/resources/pt");

  @TempDir private Path folder = Path.of("");

  @BeforeEach
  void configurations() throws IOException {
    String keys =
        """
        "input_size": 7, "channels": 6, "dim_k": 3, "dim_ff": 5, "nhead": 2, "depth": 2""";
    Files.writeString(
        folder.resolve("headwise.json"), "{" + keys + ", \"parameter_sharing\": \"headwise\"}");
    Files.writeString(folder.resolve("layerwise.json"), "{" + keys + "}");
    Files.writeString(folder.resolve("causal.json"), "{" + keys + ", \"causal\": true}");
    Files.writeString(
        folder.resolve("lucidrains.json"), "{\"dim\": 6, \"seq_len\": 7, \"depth\": 1, \"k\": 3}");
    Files.writeString(folder.resolve("pre-norm.json"), "{" + keys + ", \"pre_norm\": true}");
    Files.writeString(folder.resolve("fixed.json"), "{" + keys + ", \"method\": \"no_params\"}");
  }

  private Path at(String name) {
    return folder.resolve(name);
  }

  @Test
  void thereAndBack() throws IOException {
    Cli in =
        Cli.done(
            "import",
            "--from",
            "linformer-pytorch",
            "--config",
            at("headwise.json"),
            "--weights",
            PT.resolve("linformer.pt"),
            "--out",
            at("model"));
    assertEquals("wrote " + at("model"), in.out().strip());
    Cli out =
        Cli.done(
            "export-weights",
            "--to",
            "linformer-pytorch",
            "--model",
            at("model"),
            "--out",
            at("back.safetensors"));
    assertEquals("wrote " + at("back.safetensors"), out.out().strip());
    Cli.done(
        "import",
        "--from",
        "linformer-pytorch",
        "--config",
        at("headwise.json"),
        "--weights",
        at("back.safetensors"),
        "--out",
        at("again"));
    assertEquals(
        -1,
        Files.mismatch(at("model/model.safetensors"), at("again/model.safetensors")),
        "the same bytes");
    assertTrue(Files.size(at("back.safetensors")) > Files.size(at("model/model.safetensors")));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          linformer-pytorch | layerwise.json | linformer.pt  | are one weight in this configuration, but value 0 is
          linformer-pytorch | causal.json    | linformer.pt  | write "leaking_triangle": true in its place
          linformer-pytorch | headwise.json  | malicious.pt  | refused, nothing of it was run: its pickle calls posix.system
          linformer-pytorch | headwise.json  | kinds.pt      | seq.0.fn.to_q.0.weight [3, 6] is missing
          linformer-pytorch | headwise.json  | none.pt       | none.pt: no such file
          linformer-pytorch | none.json      | linformer.pt  | none.json: no such file
          linformer         | headwise.json  | linformer.pt  | key "dim" is missing
          linformer         | lucidrains.json | linformer.pt | divisible by nhead = 8
          keras             | headwise.json  | linformer.pt  | --from = keras, but linformer-pytorch or linformer is expected
          """)
  void refusedImportsWriteNothing(String from, String config, String weights, String message) {
    Cli cli =
        Cli.run(
            "import",
            "--from",
            from,
            "--config",
            at(config),
            "--weights",
            PT.resolve(weights),
            "--out",
            at("model"));
    assertEquals(2, cli.code());
    assertTrue(
        cli.err().startsWith("linformer import: ") && cli.err().contains(message), cli.err());
    assertEquals(1, cli.err().lines().count());
    assertFalse(Files.exists(at("model")));
  }

  @Test
  void nothingIsOverwritten() {
    Cli.done("init", "--config", at("layerwise.json"), "--out", at("model"));
    Cli cli =
        Cli.run(
            "import",
            "--from",
            "linformer-pytorch",
            "--config",
            at("headwise.json"),
            "--weights",
            PT.resolve("linformer.pt"),
            "--out",
            at("model"));
    assertEquals(2, cli.code());
    assertTrue(cli.err().contains("holds a model already; name a new or empty folder"), cli.err());
  }

  @Test
  void whatTheReferenceLacksIsNotExported() {
    Cli.done("init", "--config", at("pre-norm.json"), "--out", at("model"));
    Cli cli =
        Cli.run(
            "export-weights",
            "--to",
            "linformer-pytorch",
            "--model",
            at("model"),
            "--out",
            at("w.safetensors"));
    assertEquals(2, cli.code());
    assertTrue(
        cli.err().contains("linformer-pytorch 0.19.3 has no counterpart of pre_norm = true"),
        cli.err());
    assertFalse(Files.exists(at("w.safetensors")));
  }

  @Test
  void whatIsLeftOutIsSaid() {
    Cli.done("init", "--config", at("fixed.json"), "--out", at("model"));
    Cli cli =
        Cli.run(
            "export-weights",
            "--to",
            "linformer-pytorch",
            "--model",
            at("model"),
            "--out",
            at("w.safetensors"));
    assertTrue(
        cli.err().startsWith("note: the fixed matrices of method no_params are left out"),
        cli.err());
    assertEquals("wrote " + at("w.safetensors"), cli.out().strip());
  }

  @Test
  void optionsMustBeThere() {
    Cli cli = Cli.run("export-weights", "--to", "linformer-pytorch");
    assertEquals(2, cli.code());
    assertTrue(cli.err().contains("Missing required options: '--model="), cli.err());
  }
}
