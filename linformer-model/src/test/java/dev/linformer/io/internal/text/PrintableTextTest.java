package dev.linformer.io.internal.text;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.linformer.io.InvalidInputException;
import java.util.Collections;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PrintableTextTest {

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          a colour        | <001b>[31mred  | \\u001b[31mred
          a new line      | a<000a>b       | a\\nb
          over the line   | a<000d><0008>b | a\\r\\u0008b
          a tab           | a<0009>b       | a\\tb
          C1              | <009b>2J       | \\u009b2J
          turned around   | <202e>gpj.exe  | \\u202egpj.exe
          isolated        | <2066>x<2069>  | \\u2066x\\u2069
          a line of HTML  | a<2028>b       | a\\u2028b
          half a pair     | a<d800>b       | a\\ud800b
          nothing between | a<feff>b       | a\\ufeffb
          words           | naïve Ωδ 你好    | naïve Ωδ 你好
          joiners         | <0645><200c>x  | <0645><200c>x
          a pair          | <d83d><de00>   | <d83d><de00>
          """)
  void whatATerminalWouldObeyIsWrittenOut(String name, String text, String expected) {
    assertEquals(plain(expected), PrintableText.of(plain(text)));
    assertEquals(plain(expected), new InvalidInputException(plain(text)).getMessage());
  }

  /** Characters that may not stand in a source file as they are, by their numbers. */
  private static String plain(String text) {
    return Pattern.compile("<(....)>")
        .matcher(text)
        .replaceAll(found -> Character.toString((char) Integer.parseInt(found.group(1), 16)));
  }

  @Test
  void longTextsAreCut() {
    assertEquals("x".repeat(100), PrintableText.excerpt("x".repeat(100)));
    assertEquals("x".repeat(100) + "… (7 more characters)", PrintableText.excerpt("x".repeat(107)));
    String message =
        String.valueOf(new InvalidInputException("\u0001".repeat(1_000_000)).getMessage());
    assertTrue(message.length() < 2100, () -> "has " + message.length());
  }

  @Test
  void arraysAreCut() {
    assertEquals("[]", PrintableText.array(List.of()));
    assertEquals("[a\\tb, c]", PrintableText.array(List.of("a\tb", "c")));
    assertEquals(
        "[a, a, a, a, a, a, a, a, a, a, a, a, …]",
        PrintableText.array(Collections.nCopies(13, "a")));
  }
}
