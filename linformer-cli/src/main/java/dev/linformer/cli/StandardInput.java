package dev.linformer.cli;

import dev.linformer.io.InvalidInputException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;

/** What is piped into a command. */
final class StandardInput {

  private StandardInput() {}

  /**
   * All of it, without a line end at its end, which {@code echo} and editors add.
   *
   * @param option that asks for it, for messages
   * @throws InvalidInputException if there is nothing, or no UTF-8
   * @throws IOException if it cannot be read
   */
  static String text(String option) throws IOException {
    byte[] bytes = System.in.readAllBytes();
    String text;
    try {
      text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
    } catch (CharacterCodingException e) {
      throw new InvalidInputException(option + ": standard input is no UTF-8 text", e);
    }
    text = text.replaceFirst("\\r?\\n\\z", "");
    if (text.isEmpty()) {
      throw new InvalidInputException(
          option + ": standard input is empty; pipe a text into the command");
    }
    return text;
  }
}
