package dev.linformer.model.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.linformer.model.LinformerConfig;
import dev.linformer.model.LinformerLMConfig;
import dev.linformer.model.ModelConfig;
import dev.linformer.model.Values;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** Folders of texts as they lie about. */
class EverydayTextsTest {

  private static final int N = 16;

  @TempDir private Path folder = Path.of("");

  private static ModelConfig model() {
    LinformerConfig encoder = LinformerLMConfig.stackBuilder(N, 16, 8).causal(true).build();
    return LinformerLMConfig.builder(encoder, 256).embeddingDim(16).tokenDropout(0).build();
  }

  private static TaskData open(Path... data) throws IOException {
    List<String> paths = Arrays.stream(data).map(Path::toString).toList();
    return new LanguageTask(LanguageTask.Kind.CAUSAL, paths, Tokenizer.BYTES, 4, 4, 1)
        .open(model());
  }

  private static void refused(String message, Path... data) {
    String found = Values.refusal(() -> open(data).close());
    assertTrue(found.startsWith("--data " + message), found);
    assertFalse(found.contains("Exception"), found);
  }

  private Path write(String name, String text) throws IOException {
    Path file = folder.resolve(name);
    Files.createDirectories(file.getParent());
    return Files.writeString(file, text);
  }

  /** All windows lie in the text; every byte of it but the last N is the first of one. */
  private static void assertText(String text, Path... data) throws IOException {
    boolean[] seen = new boolean[text.length()];
    try (TaskData opened = open(data)) {
      assertEquals(text.length(), opened.dataFingerprint().get("tokens").intValue());
      for (int index = 0; index < 50 * text.length(); index++) {
        int[] tokens = opened.train(index, 1).tokens();
        int at = text.indexOf(new String(Tokenizer.BYTES.decode(tokens), StandardCharsets.UTF_8));
        assertTrue(at >= 0, () -> Arrays.toString(tokens));
        seen[at] = true;
      }
    }
    for (int i = 0; i <= text.length() - text.length() / 10 - N - 1; i++) {
      assertTrue(seen[i], "no window begins at " + i);
    }
  }

  /** A text without a part twice. */
  private static String numbers() {
    StringBuilder text = new StringBuilder();
    for (int i = 100; i < 250; i++) {
      text.append(i).append(i % 7 == 0 ? "\n" : " ");
    }
    return text.toString();
  }

  /** Windows begin on the last byte before an empty file, too. */
  @Test
  void emptyFilesHaveNoPlace() throws IOException {
    String text = numbers();
    write("all/a.txt", "");
    write("all/b.txt", text.substring(0, 40));
    write("all/c.txt", "");
    write("all/d.txt", "\ufeff");
    write("all/e.txt", text.substring(40, 41));
    write("all/f.txt", "");
    write("all/g.txt", text.substring(41));
    write("all/h.txt", "");
    assertText(text, folder.resolve("all"));
    write("none/a.txt", "");
    write("none/b.txt", "\ufeff");
    Path none = folder.resolve("none");
    refused(none.resolve("a.txt") + ": empty, there is nothing to learn from", none);
  }

  @Test
  void marksAreNoText() throws IOException {
    String text = numbers();
    write("all/a.txt", "\ufeff" + text.substring(0, 100));
    write("all/b.txt", "\ufeff" + text.substring(100));
    assertText(text, folder.resolve("all"));
  }

  @Test
  void gzipIsReadBesideText() throws IOException {
    String text = numbers();
    write("all/a.txt", "\ufeff" + text.substring(0, 100));
    try (OutputStream out =
        new GZIPOutputStream(Files.newOutputStream(folder.resolve("all/b.txt.gz")))) {
      out.write(("\ufeff" + text.substring(100)).getBytes(StandardCharsets.UTF_8));
    }
    assertText(text, folder.resolve("all"));
  }

  @Test
  void hiddenFilesAreLeftOut() throws IOException {
    String text = numbers();
    write(".all/a.txt", text);
    write(".all/.git/objects/aa", "no text of ours");
    Files.write(folder.resolve(".all/.DS_Store"), new byte[] {0, 0, 0, 1, 'B', 'u', 'd', '1'});
    Files.write(folder.resolve(".all/._a.txt"), new byte[] {(byte) 0xff});
    assertText(text, folder.resolve(".all"));
    Path named = write(".hidden", text);
    assertText(text, named);
    write("only/.hidden", text);
    Path only = folder.resolve("only");
    refused(only + ": no file there to learn from; hidden ones don't count", only);
  }

  @Test
  @DisabledOnOs(value = OS.WINDOWS, disabledReason = "links need a right of their own")
  void linksAreFollowed() throws IOException {
    String text = numbers();
    write("far/below/c.txt", text.substring(200));
    write("far/b.txt", text.substring(100, 200));
    write("all/a.txt", text.substring(0, 100));
    Path all = folder.resolve("all");
    Files.createSymbolicLink(all.resolve("b.txt"), folder.resolve("far/b.txt"));
    Files.createSymbolicLink(all.resolve("c"), folder.resolve("far/below"));
    assertText(text, all);
    Path link = Files.createSymbolicLink(folder.resolve("link"), all);
    assertText(text, link);
    Path back = Files.createSymbolicLink(all.resolve("d"), folder.resolve("far"));
    Path loop = Files.createSymbolicLink(folder.resolve("far/loop"), all);
    refused(back.resolve("loop") + ": a link to a folder that it lies in; remove it", all);
    Files.delete(loop);
    Path broken = Files.createSymbolicLink(folder.resolve("far/broken"), folder.resolve("gone"));
    refused(back.resolve("broken") + ": a link to nothing; remove it", all);
    Files.delete(broken);
    Files.createSymbolicLink(broken, broken);
    refused(back.resolve("broken") + ": a link to nothing; remove it", all);
    refused(broken + ": ", broken);
  }

  @Test
  @DisabledOnOs(OS.WINDOWS)
  void pipesAndDevicesArePassedBy() throws Exception {
    write("all/a.txt", numbers());
    Path pipe = folder.resolve("all/pipe");
    assertEquals(0, new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor());
    String message = ": is no regular file but a pipe or a device; name a file";
    refused(pipe + message, pipe);
    refused(pipe + message, folder.resolve("all"));
    refused("/dev/zero" + message, Path.of("/dev/zero"));
    Files.delete(pipe);
    Files.createSymbolicLink(pipe, Path.of("/dev/zero"));
    refused(pipe + message, folder.resolve("all"));
  }

  @Test
  void otherEncodingsAreNamed() throws IOException {
    Path file = folder.resolve("a.txt");
    Files.write(file, numbers().getBytes(StandardCharsets.UTF_16));
    refused(file + ": in UTF-16, but UTF-8 is expected; convert it, for example with", file);
    Files.write(file, numbers().getBytes(StandardCharsets.UTF_16LE));
    refused(file + ": in UTF-16, but UTF-8 is expected; convert it, for example with", file);
    Files.write(file, ("a\r\nb\rc\n\u00e9" + numbers()).getBytes(StandardCharsets.ISO_8859_1));
    refused(
        file
            + ": not in UTF-8 at byte 7; convert it, for example with iconv -f LATIN1 -t UTF-8 (line 4: byte 0xe9, in LATIN1 é)",
        file);
    var nowhere =
        new LanguageTask(LanguageTask.Kind.CAUSAL, List.of("no\0path"), Tokenizer.BYTES, 4, 4, 1);
    assertEquals("--data no\\u0000path: no path", Values.refusal(() -> nowhere.open(model())));
  }
}
