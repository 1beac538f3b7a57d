package dev.linformer.model.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.linformer.io.internal.JsonObjectReader;
import dev.linformer.model.LinformerConfig;
import dev.linformer.model.LinformerLMConfig;
import dev.linformer.model.ModelConfig;
import dev.linformer.model.Values;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalLong;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

class LanguageTaskTest {

  private static final int N = 13;

  @TempDir private Path folder = Path.of("");

  private static ModelConfig model(int vocabulary, boolean causal) {
    LinformerConfig encoder = LinformerConfig.builder(N, 4, 3).heads(2).causal(causal).build();
    return LinformerLMConfig.builder(encoder, vocabulary).embeddingDim(4).tokenDropout(0).build();
  }

  private static LanguageTask task(LanguageTask.Kind kind, Tokenizer tokenizer, Path... data) {
    return new LanguageTask(
        kind, Arrays.stream(data).map(Path::toString).toList(), tokenizer, 7, 11, 5);
  }

  private static LanguageTask causal(Path... data) {
    return task(LanguageTask.Kind.CAUSAL, Tokenizer.BYTES, data);
  }

  private TaskData open(LanguageTask task) throws IOException {
    return task.open(model(task.tokenizer().size() + 1, task.kind() == LanguageTask.Kind.CAUSAL));
  }

  /** Letters that tell their place. */
  private static String text(int length, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    StringBuilder text = new StringBuilder();
    while (text.length() < length) {
      text.append((char) ('a' + random.nextInt(26)));
    }
    return text.toString();
  }

  private static String decode(int[] tokens, int from, int count) {
    return new String(
        Tokenizer.BYTES.decode(Arrays.copyOfRange(tokens, from, from + count)),
        StandardCharsets.US_ASCII);
  }

  /** Nine tenths of 2,000 bytes have room for 138 windows of 13. */
  @Test
  void anEpochIsAsManyWindowsAsTheTextHasRoomFor() throws IOException {
    Path file = Files.writeString(folder.resolve("a.txt"), text(2000, 1));
    try (TaskData data = open(causal(file))) {
      assertEquals(138, data.examplesPerEpoch());
    }
    try (TaskData data = open(task(LanguageTask.Kind.MASKED, Tokenizer.BYTES, file))) {
      assertEquals(138, data.examplesPerEpoch());
    }
  }

  @Test
  void aCausalBatchIsTheTextAndItsNextLetters() throws IOException {
    String text = text(2000, 1);
    Path file = Files.writeString(folder.resolve("a.txt"), text);
    try (TaskData data = open(causal(file))) {
      Batch batch = data.train(3, 5);
      assertEquals(5, batch.size());
      assertEquals(5 * N, batch.scored());
      for (int row = 0; row < 5; row++) {
        String input = decode(batch.tokens(), row * N, N);
        int place = text.indexOf(input);
        assertTrue(place >= 0 && place + N < 1800, input);
        assertEquals(text.substring(place + 1, place + 1 + N), decode(batch.targets(), row * N, N));
      }
      assertArrayEquals(batch.tokens(), data.train(3, 5).tokens());
      assertNotEquals(decode(batch.tokens(), 0, N), decode(data.train(4, 5).tokens(), 0, N));
    }
  }

  /** Validation and test windows lie in their parts, in order, and don't overlap. */
  @Test
  void heldOutWindowsAreTheEndOfTheText() throws IOException {
    String text = text(4000, 1);
    Path file = Files.writeString(folder.resolve("a.txt"), text);
    try (TaskData data = open(causal(file))) {
      checkPart(text, data.validation(3), 7, 3600, 3800);
      checkPart(text, data.test(3).batches(), 11, 3800, 4000);
      assertEquals(1, data.test(3).bytesPerTarget());
      double uniform = Math.log(26);
      assertEquals(uniform, data.test(3).baselines().get(0).value(), 0.3);
      String message = Values.refusal(() -> data.fresh(OptionalLong.of(1), 3));
      assertTrue(message.startsWith("--seed: the task causal-lm is measured on the end"), message);
    }
  }

  private static void checkPart(String text, Iterable<Batch> batches, int count, int from, int to) {
    int rows = 0;
    int end = from;
    for (Batch batch : batches) {
      for (int row = 0; row < batch.size(); row++, rows++) {
        int place = text.indexOf(decode(batch.tokens(), row * N, N));
        assertTrue(place >= end && place + N + 1 <= to, place + " in " + end + " to " + to);
        end = place + N + 1;
      }
    }
    assertEquals(count, rows);
  }

  @Test
  void masksAsTheyShould() throws IOException {
    String text = text(5000, 1);
    Path file = Files.writeString(folder.resolve("a.txt"), text);
    int[] counts = new int[4];
    try (TaskData data = open(task(LanguageTask.Kind.MASKED, Tokenizer.BYTES, file))) {
      for (int index = 0; index < 200; index++) {
        Batch batch = data.train(index, 5);
        for (int i = 0; i < batch.tokens().length; i++) {
          int token = batch.tokens()[i];
          int target = batch.targets()[i];
          counts[0]++;
          if (target != Batch.UNSCORED) {
            assertTrue(target >= 'a' && target <= 'z', () -> "target " + target);
            counts[token == 256 ? 1 : token == target ? 2 : 3]++;
          }
        }
      }
      assertArrayEquals(data.train(9, 5).tokens(), data.train(9, 5).tokens());
      assertEquals(List.of(masked(data.validation(3))), List.of(masked(data.validation(3))));
    }
    // Of 13,000 positions; three standard deviations.
    assertEquals(0.15, (counts[1] + counts[2] + counts[3]) / 13_000.0, 0.0095);
    assertEquals(0.12, counts[1] / 13_000.0, 0.0086);
    assertEquals(0.015, counts[2] / 13_000.0, 0.0033);
    assertEquals(0.015, counts[3] / 13_000.0, 0.0033);
  }

  private static String masked(Iterable<Batch> batches) {
    StringBuilder all = new StringBuilder();
    batches.forEach(batch -> all.append(Arrays.toString(batch.tokens())));
    return all.toString();
  }

  @Test
  void filesFollowEachOtherInTheOrderOfTheirNames() throws IOException {
    String text = text(3001, 2);
    Files.createDirectories(folder.resolve("all/below"));
    Files.writeString(folder.resolve("all/a.txt"), text.substring(0, 7));
    Files.writeString(folder.resolve("all/b.txt"), "");
    Files.writeString(folder.resolve("all/below/a.txt"), text.substring(7, 1500));
    Path last = Files.writeString(folder.resolve("last.txt"), text.substring(1500));
    try (TaskData data = open(causal(folder.resolve("all"), last))) {
      for (int index = 0; index < 200; index++) {
        String input = decode(data.train(index, 1).tokens(), 0, N);
        assertTrue(text.contains(input), input);
      }
      assertEquals(4, data.dataFingerprint().get("files").intValue());
      assertEquals(3001, data.dataFingerprint().get("tokens").intValue());
    }
  }

  @Test
  void gpt2TokensOfTheText() throws IOException {
    String text = "The Linformer's attention — linear in time.\n".repeat(300);
    Path file = Files.writeString(folder.resolve("a.txt"), text);
    try (TaskData data = open(task(LanguageTask.Kind.CAUSAL, Tokenizer.GPT2, file))) {
      Batch batch = data.train(0, 3);
      int[] row = Arrays.copyOf(batch.tokens(), N);
      String decoded = new String(Tokenizer.GPT2.decode(row), StandardCharsets.UTF_8);
      assertTrue(text.contains(decoded), decoded);
      double bytes = text.getBytes(StandardCharsets.UTF_8).length;
      int tokens = Tokenizer.GPT2.encode(text).length;
      assertEquals(bytes / tokens, data.test(2).bytesPerTarget(), 1e-9);
    }
  }

  /** Numbers of OpenAI's encoder for these words. */
  @Test
  void gpt2TokensAreGpt2s() {
    assertArrayEquals(new int[] {15496, 11, 995, 0}, Tokenizer.GPT2.encode("Hello, world!"));
    assertEquals(50257, Tokenizer.GPT2.size());
  }

  /** Characters of one to four bytes, and line ends, at every place of a part's edge. */
  @Test
  void textsAreReadInPartsWithoutLoss() throws IOException {
    StringBuilder text = new StringBuilder();
    SplittableRandom random = new SplittableRandom(3);
    String[] some = {"a", "é", "€", "😀", "\n"};
    while (text.length() < 2_500_000) {
      text.append(some[random.nextInt(text.length() < 1_200_000 ? 4 : 5)]);
    }
    Path file = Files.writeString(folder.resolve("a.txt"), text);
    StringBuilder read = new StringBuilder();
    var survey = TextFiles.read(List.of(file), read::append);
    assertEquals(text.toString(), read.toString());
    assertEquals(Files.size(file), survey.bytes());
  }

  /** A sparse file of 3 GB, more than the test's heap or an array can hold. */
  @Test
  void readsFarIntoALargeFile() throws IOException {
    Path file = folder.resolve("large.txt");
    long size = 3L << 30;
    try (RandomAccessFile large = new RandomAccessFile(file.toFile(), "rw")) {
      large.setLength(size);
      large.seek(size - 5);
      large.write("abcde".getBytes(StandardCharsets.US_ASCII));
    }
    var part = new TextFiles.Part(file, 0, size);
    try (TokenStore store = new TokenStore.Bytes(List.of(part, part))) {
      int[] read = new int[7];
      store.read(size - 3, read, 0, 7);
      assertArrayEquals(new int[] {'c', 'd', 'e', 0, 0, 0, 0}, read);
      store.read(2 * size - 2, read, 5, 2);
      assertArrayEquals(new int[] {'c', 'd', 'e', 0, 0, 'd', 'e'}, read);
    }
  }

  @Test
  void dataThatIsNoText() throws IOException {
    Path good = Files.writeString(folder.resolve("good.txt"), text(100, 1));
    Path bad = folder.resolve("bad.txt");
    Files.write(bad, new byte[] {'a', 'b', (byte) 0xc3, 'c'});
    Path cut = folder.resolve("cut.txt");
    Files.write(cut, new byte[] {'a', 'b', 'c', (byte) 0xe2, (byte) 0x82});
    Path empty = Files.createFile(folder.resolve("empty.txt"));
    Path none = Files.createDirectory(folder.resolve("none"));
    refused(causal(good, bad), "--data " + bad + ": not in UTF-8 at byte 2; convert it");
    refused(causal(cut), "--data " + cut + ": not in UTF-8 at byte 3; convert it");
    refused(causal(empty), "--data " + empty + ": empty, there is nothing to learn from");
    refused(causal(none), "--data " + none + ": no file there to learn from");
    Path missing = folder.resolve("missing");
    refused(causal(missing), "--data " + missing + ": no such file or folder");
    refused(
        causal(good),
        "--data %s: 100 tokens are too few: a twentieth is to watch on, and has to hold a sequence of input_size = 13; at least 300 are expected"
            .formatted(good));
  }

  /** A file that is there and cannot be read, by root neither. */
  @Test
  @EnabledOnOs(OS.LINUX)
  void unreadableData() {
    refused(
        causal(Path.of("/proc/self/mem")),
        "--data /proc/self/mem: cannot be read: Input/output error");
  }

  private void refused(LanguageTask task, String message) {
    String found = Values.refusal(() -> open(task));
    assertTrue(found.startsWith(message), found);
  }

  @Test
  void modelsThatCannotLearnIt() {
    LanguageTask causal = causal(folder);
    assertEquals(
        "m: causal = false, but the task causal-lm needs true: the model would see what it is to predict",
        Values.refusal(() -> causal.check(model(256, false), "m")));
    assertEquals(
        "m: num_tokens = 255, but the task causal-lm has 256 tokens; set it to 256, or leave it out",
        Values.refusal(() -> causal.check(model(255, true), "m")));
    assertEquals(
        "m: num_tokens = 256, but the task masked-lm has 257 tokens; set it to 257, or leave it out",
        Values.refusal(
            () ->
                task(LanguageTask.Kind.MASKED, Tokenizer.BYTES, folder)
                    .check(model(256, false), "m")));
    assertEquals(
        "m: model_type = linformer, but the task causal-lm trains a lm",
        Values.refusal(() -> causal.check(LinformerConfig.builder(N, 4, 3).heads(2).build(), "m")));
    assertEquals(
        "the task causal-lm needs text: name files or folders with --data",
        Values.refusal(() -> causal().check(model(256, true), "m")));
  }

  @Test
  void jsonAndBack() {
    LanguageTask task = task(LanguageTask.Kind.MASKED, Tokenizer.GPT2, folder, folder);
    assertEquals(task, Task.parse(new JsonObjectReader("json", task.toJson()), N));
    var json = JsonNodeFactory.instance.objectNode().put("name", "speech");
    assertEquals(
        "json: name = speech, but one of listops, masked-lm, causal-lm, classify, copy is expected",
        Values.refusal(() -> Task.parse(new JsonObjectReader("json", json), N)));
  }
}
