package dev.linformer.io.internal;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.linformer.io.InvalidInputException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;

/** A file with a JSON object in it. */
final class JsonFile {

  /** How shells name a pipe of theirs: by a number above those of the standard streams. */
  private static final String SUBSTITUTED = "/dev/fd/6";

  private static final int MOST_BYTES = 64 << 20;

  private JsonFile() {}

  /**
   * The object in a file, or in what a shell's {@code <(…)} gives.
   *
   * @throws InvalidInputException if there is no such file or it isn't a JSON object
   */
  static ObjectNode object(Path file) {
    String source = file.toString();
    try {
      if (!source.startsWith(SUBSTITUTED)) {
        RegularFile.require("", file);
        if (Files.size(file) == 0) {
          throw new InvalidInputException(
              source + ": a JSON object {…} is expected, and the file is empty");
        }
      }
      try (InputStream stream = Files.newInputStream(file)) {
        byte[] json = stream.readNBytes(MOST_BYTES + 1);
        if (json.length > MOST_BYTES) {
          throw new InvalidInputException(
              "%s: has more than %s MiB, which no configuration has"
                  .formatted(source, MOST_BYTES >> 20));
        }
        return JsonText.object(source, json);
      }
    } catch (IOException e) {
      throw new InvalidInputException(
          "%s: cannot be read: %s".formatted(source, FileProblem.words(e)), e);
    }
  }
}
