package dev.linformer.io.internal;

import static dev.linformer.model.Values.refusal;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.linformer.model.PipedConfig;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class JsonTextTest {

  private static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static String refused(String json) {
    String message = refusal(() -> JsonText.object("x.json", utf8(json)));
    assertFalse(message.contains("Exception") || message.contains("Feature"), message);
    assertFalse(message.contains("com.fasterxml") || message.contains("Constraints"), message);
    return message;
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          nothing          | ` `                | x.json: a JSON object {…} is expected
          an array         | [1]                | x.json: a JSON object {…} is expected
          no end           | {"a": 1            | x.json: not valid JSON, line 1: it ends too early
          no end inside    | {"a": [1           | x.json: not valid JSON, line 1: it ends too early
          another bracket  | {"a": [1}          | line 1: Unexpected close marker '}': expected ']'
          a key twice      | {"a": 1, "a": 2}   | line 1: Duplicate field 'a'
          inside an object | {"b": {"a": 1, "a": 2}} | line 1: Duplicate field 'a'
          behind the end   | {} x               | or… (9 more characters)
          a second object  | {} {}              | line 1: something stands after its end
          a remark         | {} // all          | line 1: Unexpected character ('/' (code 47)): maybe a (non-standard) comment?
          no number        | {"a": NaN}         | line 1: Non-standard token 'NaN'
          a leading zero   | {"a": 01}          | line 1: Invalid numeric value: Leading zeroes not allowed
          """)
  void whatIsNoObject(String name, String json, String message) {
    String found = refused(json);
    assertTrue(found.endsWith(message), found);
  }

  /** Jackson's limits come without a place. */
  @Test
  void whatIsTooMuch() {
    assertEquals(
        "x.json: not valid JSON, line 2: nested deeper than 100 levels",
        refused("{\n\"a\": " + "[".repeat(2000)));
    assertEquals(
        "x.json: not valid JSON, line 2: nested deeper than 100 levels",
        refused("{\n\"a\": " + "{\"a\":".repeat(2000)));
    assertEquals(
        "x.json: not valid JSON, line 1: a number of more than 1000 digits",
        refused("{\"a\": " + "1".repeat(2000) + "}"));
    assertEquals(
        "x.json: not valid JSON, line 1: a number of more than 1000 digits",
        refused("{\"a\": 0." + "1".repeat(2000) + "}"));
    assertEquals(
        "x.json: not valid JSON, line 1: a key of more than 50000 characters",
        refused("{\"" + "a".repeat(60_000) + "\": 1}"));
    assertEquals(
        "x.json: not valid JSON, line 1: a text of more than 20000000 characters",
        refused("{\"a\": \"" + "a".repeat(20_000_001) + "\"}"));
    String twice = "\"" + "a".repeat(40_000) + "\": 1";
    assertTrue(refused("{" + twice + "," + twice + "}").length() < 200);
  }

  @Test
  void aByteOrderMark() {
    assertEquals("{\"a\":1}", JsonText.object("x.json", utf8("\ufeff{\"a\": 1}")).toString());
  }

  @ParameterizedTest
  @ValueSource(strings = {"UTF-16", "UTF-16LE", "UTF-16BE", "x-UTF-16LE-BOM"})
  void utf16(String charset) {
    byte[] json = "{\"a\": 1}".getBytes(Charset.forName(charset));
    assertEquals(
        "x.json: is text in UTF-16, and UTF-8 is expected: save it as UTF-8",
        refusal(() -> JsonText.object("x.json", json)));
  }

  @Test
  void latin1() {
    byte[] json = "{\n\"naïve\": 1}".getBytes(StandardCharsets.ISO_8859_1);
    assertEquals(
        "x.json: line 2 is no text in UTF-8, its byte 0xef at 5 is none: save it as UTF-8",
        refusal(() -> JsonText.object("x.json", json)));
    byte[] surrogate = {'{', '"', (byte) 0xed, (byte) 0xa0, (byte) 0x80, '"', ':', '1', '}'};
    assertTrue(refusal(() -> JsonText.object("x", surrogate)).contains("line 1 is no text in"));
    byte[] cut = {'{', '"', (byte) 0xc3};
    assertTrue(refusal(() -> JsonText.object("x", cut)).contains("its byte 0xc3 at 2 is none"));
  }

  @Test
  void filesThatNoConfigurationIs(@TempDir Path folder) throws IOException {
    Path file = folder.resolve("c.json");
    Files.write(file, new byte[0]);
    assertEquals(
        file + ": a JSON object {…} is expected, and the file is empty",
        refusal(() -> JsonObjectReader.read(file)));
    try (var channel = Files.newByteChannel(file, StandardOpenOption.WRITE)) {
      channel.position(1L << 30); // a hole, which takes no room on the disk
      channel.write(ByteBuffer.wrap(new byte[] {'}'}));
    }
    assertEquals(
        file + ": has more than 64 MiB, which no configuration has",
        refusal(() -> JsonObjectReader.read(file)));
  }

  /** Bash names the pipe /dev/fd/63. */
  @Test
  @EnabledOnOs(OS.LINUX)
  void whatAShellSubstitutes() throws IOException, InterruptedException {
    String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
    Process process =
        new ProcessBuilder(
                "bash",
                "-c",
                "exec \"$1\" -cp \"$2\" \"$3\" <(echo '{\"input_size\": 16, \"channels\": 8,"
                    + " \"dim_k\": 4}')",
                "bash",
                java,
                System.getProperty("java.class.path"),
                PipedConfig.class.getName())
            .redirectErrorStream(true)
            .start();
    String printed;
    try (var stream = process.getInputStream()) {
      printed = new String(stream.readAllBytes(), StandardCharsets.UTF_8);
    }
    assertEquals(0, process.waitFor(), printed);
    assertTrue(printed.contains("\"input_size\":16"), printed);
  }
}
