package dev.linformer.model;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.linformer.ops.Parameter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.tensorflow.Graph;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;

/**
 * The weights of two models, as lists under version control: a change of a name or a shape breaks
 * the files that people have. Where one is meant, this makes the lists again:
 *
 * <pre>./mvnw test -pl linformer-ops,linformer-model -Dtest=ManifestTest
 *     -Dsurefire.failIfNoSpecifiedTests=false -Dmanifest.write=true</pre>
 */
class ManifestTest {

  private static final Path FOLDER = Path.of("src/test/resources/manifest");

  /** The encoder of the README. */
  @Test
  void readme() throws IOException {
    assertManifest(
        "readme.json",
        LinformerConfig.builder(262_144, 64, 128)
            .headDim(256)
            .feedForwardDim(128)
            .heads(4)
            .depth(2)
            .build());
  }

  /** What {@code linformer train} trains unless told otherwise. */
  @Test
  void listops() throws IOException {
    assertManifest(
        "listops.json",
        ModelConfig.read(
            Path.of("../linformer-cli/src/main/resources/dev/linformer/cli/listops.json"),
            new DataSizes(16, 10)));
  }

  private static void assertManifest(String name, ModelConfig config) throws IOException {
    ObjectNode found = manifest(config);
    Path file = FOLDER.resolve(name);
    if (Boolean.getBoolean("manifest.write")) {
      Files.createDirectories(FOLDER);
      ModelDirectory.writeJson(file, found);
    }
    // As text, because a difference of long texts is shown well.
    var expected = new ObjectMapper().readTree(Files.readAllBytes(file));
    assertEquals(expected.toPrettyString(), found.toPrettyString());
    assertEquals(ModelSummary.of(config).parameters(), found.get("parameters").longValue());
  }

  private static ObjectNode manifest(ModelConfig config) {
    ObjectNode manifest = JsonNodeFactory.instance.objectNode();
    try (Graph graph = new Graph()) {
      var variables = Variables.toBeLoaded(Ops.create(graph), TFloat32.class);
      config.declare(variables);
      long total = 0;
      var list = JsonNodeFactory.instance.arrayNode();
      for (var weight : variables.weights()) {
        Parameter parameter = weight.parameter();
        var node = list.addObject().put("name", parameter.name());
        Arrays.stream(parameter.shape().asArray()).forEach(node.putArray("shape")::add);
        node.put("keys", parameter.slices().stream().mapToInt(keys -> keys.size()).sum());
        total += parameter.shape().size();
      }
      manifest.put("parameters", total).set("variables", list);
    }
    return manifest;
  }
}
