package dev.linformer.io.internal;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.linformer.io.InvalidInputException;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.Reader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** A file of JSON texts, one a line, such as the log of a training. */
public final class JsonLines {

  private static final int LONGEST = 1 << 20;

  private static final ObjectMapper JSON =
      new ObjectMapper().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

  private JsonLines() {}

  /** Hears the lines of a file. */
  public interface Listener {
    /**
     * A line, as it stands there and as JSON.
     *
     * @return whether the next one is wanted, too
     */
    boolean line(String text, JsonNode json) throws IOException;
  }

  /**
   * Reads a file. A last line that a kill or a crash has cut is left out, and so are blank ones.
   *
   * @param source what to call the file in messages
   * @throws InvalidInputException if another line isn't JSON, with its number
   */
  public static void read(String source, Path file, Listener listener) throws IOException {
    // Not strict: what was cut may end within a character.
    try (Reader reader =
        new InputStreamReader(Files.newInputStream(file), StandardCharsets.UTF_8)) {
      TextLines all = new TextLines(source, reader, LONGEST);
      boolean wanted = true;
      for (String line = all.next(); line != null && wanted; line = all.next()) {
        String text = all.number() == 1 && line.startsWith("\ufeff") ? line.substring(1) : line;
        try {
          wanted = text.isBlank() || listener.line(text, JSON.readTree(text));
        } catch (JsonProcessingException e) {
          if (!all.complete()) {
            return;
          }
          throw new InvalidInputException(
              "%s, line %s: not valid JSON".formatted(source, all.number()), e);
        }
      }
    }
  }
}
