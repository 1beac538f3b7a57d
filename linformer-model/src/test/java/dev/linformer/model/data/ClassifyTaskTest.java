package dev.linformer.model.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.linformer.io.internal.JsonObjectReader;
import dev.linformer.model.LinformerClassifierConfig;
import dev.linformer.model.LinformerConfig;
import dev.linformer.model.ModelConfig;
import dev.linformer.model.Values;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ClassifyTaskTest {

  private static final int N = 17;

  @TempDir private Path folder = Path.of("");

  private static ModelConfig model(int classes) {
    LinformerConfig encoder = LinformerConfig.builder(N, 4, 3).heads(2).build();
    return LinformerClassifierConfig.builder(encoder, 256, classes).tokenDropout(0).build();
  }

  private ClassifyTask task(String name, String content) throws IOException {
    return task(name, content, false);
  }

  private ClassifyTask task(String name, String content, boolean truncate) throws IOException {
    Path file = Files.writeString(folder.resolve(name), content);
    return new ClassifyTask(
        file.toString(), "text", "label", Tokenizer.BYTES, truncate, MissingValues.REFUSE, 3);
  }

  private static String rows(int count, String separator) {
    StringBuilder all = new StringBuilder("id" + separator + "text" + separator + "label\n");
    for (int i = 0; i < count; i++) {
      all.append(i).append(separator).append("row ").append(i);
      all.append(separator).append(i % 3 == 0 ? "no" : "yes").append('\n');
    }
    return all.toString();
  }

  /** A tenth is to watch on, a tenth to measure on. */
  @Test
  void anEpochIsTheRowsToLearnFrom() throws IOException {
    try (TaskData data = task("a.csv", rows(43, ",")).open(model(2))) {
      assertEquals(35, data.examplesPerEpoch());
      Set<String> rows = new HashSet<>();
      for (int index = 0; index < 7; index++) {
        collect(List.of(data.train(index, 5)), rows);
      }
      assertEquals(35, rows.size());
    }
  }

  /** A batch's rows as text and class. */
  private static List<String> read(Batch batch) {
    List<String> rows = new ArrayList<>();
    for (int row = 0; row < batch.size(); row++) {
      int[] tokens = Arrays.copyOfRange(batch.tokens(), row * N, row * N + batch.lengths()[row]);
      String text = new String(Tokenizer.BYTES.decode(tokens), StandardCharsets.UTF_8);
      rows.add(text + " = " + batch.targets()[row]);
    }
    return rows;
  }

  private static void collect(Iterable<Batch> batches, Set<String> into) {
    for (Batch batch : batches) {
      for (String row : read(batch)) {
        assertTrue(into.add(row), row + " twice");
      }
    }
  }

  @Test
  void everyRowIsInOnePart() throws IOException {
    for (String name : List.of("a.csv", "a.tsv")) {
      String separator = name.equals("a.csv") ? "," : "\t";
      try (TaskData data = task(name, rows(53, separator)).open(model(2))) {
        Set<String> seen = new HashSet<>();
        collect(data.validation(3), seen);
        assertEquals(5, seen.size());
        collect(data.test(3).batches(), seen);
        assertEquals(10, seen.size());
        for (int index = 0; index < 43; index++) {
          collect(List.of(data.train(index, 1)), seen);
        }
        Set<String> expected = new HashSet<>();
        for (int i = 0; i < 53; i++) {
          expected.add("row " + i + " = " + (i % 3 == 0 ? 0 : 1));
        }
        assertEquals(expected, seen);
        assertEquals("[\"no\",\"yes\"]", data.dataFingerprint().get("labels").toString());
        // The next epoch has another order.
        Set<String> first = new HashSet<>(read(data.train(0, 20)));
        assertTrue(!first.equals(new HashSet<>(read(data.train(2, 20)))));
        assertEquals(read(data.train(7, 5)), read(data.train(7, 5)));
      }
    }
  }

  @Test
  void quotedTextsAndLinesInThem() throws IOException {
    StringBuilder table = new StringBuilder("label,text\n");
    for (int i = 0; i < 20; i++) {
      table.append(i % 2).append(",\"a, \"\"b\"\"\né ").append(i).append("\"\n");
    }
    try (TaskData data = task("a.csv", table.toString()).open(model(2))) {
      assertTrue(
          read(data.train(0, 1)).get(0).startsWith("a, \"b\"\né "),
          read(data.train(0, 1))::toString);
    }
  }

  @Test
  void numbersAreClassesAsTheyStandThere() throws IOException {
    String table = rows(20, ",").replace("yes", "2").replace("no", "0");
    try (TaskData data = task("a.csv", table).open(model(3))) {
      for (String row : read(data.train(0, 16))) {
        assertTrue(row.endsWith(" = 2") || row.endsWith(" = 0"), row);
      }
    }
    ClassifyTask task = task("b.csv", table);
    String file = task.data();
    assertEquals(
        "--data "
            + file
            + ", line 3: label 2, but 0 to num_classes - 1 = 1 is expected; set num_classes to 3, or leave it out",
        Values.refusal(() -> task.open(model(2))));
  }

  @Test
  void tablesThatAreRefused() throws IOException {
    refused(
        rows(20, ",").replace("yes,", "").replace("no", "maybe\n21,x,no"),
        2,
        "3 labels (maybe, no, yes), but num_classes = 2; set num_classes to 3, or leave it out");
    refused(rows(9, ","), 2, "9 rows, but at least 10 are expected");
    refused(
        rows(20, ",").replace("row 7,", "a text that is too long,"),
        2,
        "line 9: a text of 23 tokens, but input_size = 17; raise it, or cut texts");
    refused(rows(20, ",").replace("row 7,", ","), 2, "line 9: the text is empty");
    refused(
        rows(20, ",").replace("row 7,yes", "row 7"),
        2,
        "line 9: 2 columns, but its first line names 3");
    refused(
        rows(20, ",").replace("text", "words"),
        2,
        "no column \"text\" in its first line; there are [id, words, label]");
    refused("text,label\n", 2, "empty, there is no row to learn from");
    refused("", 2, "empty, there is no row to learn from");
    refused(
        "text,label\na,b\n\"a,b\n",
        2,
        "line 3: a quote opens there and is not closed; a quote within a quoted text is written twice");
    refused(
        "text,label\n\"a\nb\",c\n\"a\"d,b\n",
        2,
        "line 4: in the row that begins there something follows a closing quote");
    Path file = folder.resolve("latin.csv");
    Files.write(
        file, rows(20, ",").replace("row 7", "\u00e9").getBytes(StandardCharsets.ISO_8859_1));
    var latin =
        new ClassifyTask(
            file.toString(), "text", "label", Tokenizer.BYTES, false, MissingValues.REFUSE, 3);
    String message = Values.refusal(() -> latin.open(model(2)));
    assertEquals(
        "--data "
            + file
            + ": not in UTF-8 at byte 97; convert it, for example with iconv -f LATIN1 -t UTF-8 (line 9: byte 0xe9, in LATIN1 é)",
        message);
    var missing =
        new ClassifyTask(
            "missing.csv", "text", "label", Tokenizer.BYTES, false, MissingValues.REFUSE, 3);
    assertEquals("--data missing.csv: no such file", Values.refusal(() -> missing.open(model(2))));
  }

  private void refused(String table, int classes, String message) throws IOException {
    ClassifyTask task = task("bad.csv", table);
    String found = Values.refusal(() -> task.open(model(classes)));
    assertTrue(found.startsWith("--data " + task.data()) && found.contains(message), found);
  }

  @Test
  void textsAreCutWhereThatIsAsked() throws IOException {
    String table = rows(20, ",").replace("row ", "a text that is too long ");
    try (TaskData data = task("a.csv", table, true).open(model(2))) {
      assertTrue(read(data.train(0, 1)).get(0).startsWith("a text that is to = "));
    }
  }

  @Test
  void modelsThatCannotLearnIt() throws IOException {
    ClassifyTask task = task("a.csv", "");
    assertEquals(
        "m: model_type = linformer, but the task classify trains a classifier",
        Values.refusal(() -> task.check(LinformerConfig.builder(N, 4, 3).heads(2).build(), "m")));
    var small =
        LinformerClassifierConfig.builder(LinformerConfig.builder(N, 4, 3).heads(2).build(), 255, 2)
            .tokenDropout(0)
            .build();
    assertEquals(
        "m: num_tokens = 255, but the tokenizer bytes has 256 tokens; set it to 256, or leave it out",
        Values.refusal(() -> task.check(small, "m")));
    assertEquals(task, Task.parse(new JsonObjectReader("json", task.toJson()), N));
  }
}
