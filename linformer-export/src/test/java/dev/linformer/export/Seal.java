package dev.linformer.export;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/** Writes the digests of an export anew, as somebody would who wants to deceive the loader. */
final class Seal {

  private Seal() {}

  static void again(Path folder) throws IOException {
    ObjectNode json =
        (ObjectNode) new ObjectMapper().readTree(folder.resolve(Manifest.NAME).toFile());
    for (Map.Entry<String, JsonNode> each : json.path("files").properties()) {
      Path file = folder.resolve(each.getKey());
      ((ObjectNode) each.getValue()).put("bytes", Files.size(file)).put("sha256", Digests.of(file));
    }
    json.remove("sha256");
    json.put("sha256", Digests.of(Manifest.bytes(json)));
    Files.write(folder.resolve(Manifest.NAME), Manifest.bytes(json));
  }
}
