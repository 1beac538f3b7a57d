package dev.linformer.model.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.linformer.model.LinformerClassifierConfig;
import dev.linformer.model.LinformerConfig;
import dev.linformer.model.ModelConfig;
import dev.linformer.model.Values;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Tables as programs write them: each is read row by row, or refused with the line. */
class EverydayTablesTest {

  private static final int N = 30;

  @TempDir private Path folder = Path.of("");

  private static ModelConfig model() {
    LinformerConfig encoder = LinformerConfig.builder(N, 4, 3).heads(2).build();
    return LinformerClassifierConfig.builder(encoder, 256, 2).tokenDropout(0).build();
  }

  private static ClassifyTask task(Path file, MissingValues missing) {
    return new ClassifyTask(file.toString(), "text", "label", Tokenizer.BYTES, false, missing, 3);
  }

  /** Forty rows; the odd ones are good. */
  private static List<List<String>> rows() {
    List<List<String>> rows = new ArrayList<>();
    rows.add(new ArrayList<>(List.of("text", "label")));
    for (int i = 0; i < 40; i++) {
      rows.add(new ArrayList<>(List.of((i % 2 == 0 ? "bad film " : "good film ") + i, "" + i % 2)));
    }
    return rows;
  }

  private static String join(List<List<String>> rows, String separator, String end) {
    StringBuilder all = new StringBuilder();
    rows.forEach(row -> all.append(String.join(separator, row)).append(end));
    return all.toString();
  }

  private Path write(String name, String content) throws IOException {
    return Files.writeString(folder.resolve(name), content);
  }

  /** All texts with their classes, sorted. */
  private static List<String> read(ClassifyTask task) throws IOException {
    List<String> rows = new ArrayList<>();
    try (TaskData data = task.open(model())) {
      int train = data.dataFingerprint().get("num_train").intValue();
      for (int i = 0; i < train; i++) {
        add(data.train(i, 1), rows);
      }
      data.validation(1).forEach(batch -> add(batch, rows));
      data.test(1).batches().forEach(batch -> add(batch, rows));
    }
    rows.sort(null);
    return rows;
  }

  private static void add(Batch batch, List<String> rows) {
    int[] tokens = Arrays.copyOf(batch.tokens(), batch.lengths()[0]);
    String text = new String(Tokenizer.BYTES.decode(tokens), StandardCharsets.UTF_8);
    rows.add(text + "=" + batch.targets()[0]);
  }

  private static void assertRows(List<List<String>> expected, Path file) throws IOException {
    List<String> sorted = new ArrayList<>();
    expected.subList(1, 41).forEach(row -> sorted.add(row.get(0) + "=" + row.get(1)));
    sorted.sort(null);
    assertEquals(sorted, read(task(file, MissingValues.REFUSE)), file::toString);
  }

  private static void refused(Path file, String message) {
    String found = Values.refusal(() -> read(task(file, MissingValues.REFUSE)));
    assertTrue(found.startsWith("--data " + file) && found.contains(message), found);
    assertFalse(found.contains("Exception"), found);
  }

  /** A tab-separated row is a line, and a quote is a character: inches lose no row. */
  @Test
  void tabsHaveNoQuoting() throws IOException {
    var rows = rows();
    rows.get(5).set(0, "\"5 inch");
    rows.get(9).set(0, "a \"quoted\" word");
    rows.get(13).set(0, "6\" inch\"");
    rows.get(17).set(0, "\"whole\"");
    rows.get(21).set(0, "\"\"");
    for (String end : List.of("\n", "\r\n", "\r")) {
      assertRows(rows, write("x.tsv", join(rows, "\t", end)));
    }
  }

  @Test
  void lineEndsMarksAndBlankLines() throws IOException {
    for (String end : List.of("\n", "\r\n", "\r")) {
      assertRows(rows(), write("a.csv", join(rows(), ",", end)));
      assertRows(rows(), write("b.csv", '\ufeff' + join(rows(), ",", end) + end + "  " + end));
      assertRows(rows(), write("b.tsv", '\ufeff' + join(rows(), "\t", end) + end + end));
    }
    assertRows(rows(), write("c.csv", "\n" + join(rows(), ",", "\n\n").strip()));
    assertRows(rows(), write("c.tsv", join(rows(), "\t", "\n").strip()));
  }

  @Test
  void headersAsProgramsWriteThem() throws IOException {
    var indexed = new ArrayList<List<String>>();
    for (List<String> row : rows()) {
      int number = indexed.size() - 1;
      indexed.add(List.of(number < 0 ? "" : "" + number, row.get(0), row.get(1), ""));
    }
    assertRows(rows(), write("index.csv", join(indexed, ",", "\n")));
    assertRows(rows(), write("index.tsv", join(indexed, "\t", "\n")));
    assertRows(rows(), write("s.csv", join(rows(), ", ", "\n").replace("text,", " text\t,")));
    var twice = new ArrayList<List<String>>();
    rows().forEach(row -> twice.add(List.of(row.get(0), row.get(1), row.get(0))));
    Path file = write("twice.csv", join(twice, ",", "\n"));
    refused(file, ": columns 1 and 3 are both named \"text\"; rename one of them");
    var others = new ArrayList<List<String>>();
    rows().forEach(row -> others.add(List.of(row.get(0), "x", "x", row.get(1))));
    file = write("others.csv", join(others, ",", "\n"));
    String first = read(task(file, MissingValues.REFUSE)).get(0);
    assertEquals("bad film 0=0", first);
    refused(write("semi.csv", join(rows(), ";", "\n")), "; a .csv file has commas between");
    refused(write("tabs.csv", join(rows(), "\t", "\n")), "there are [text\\tlabel]; a .csv file");
  }

  private static byte[] gzip(byte[] content) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (GZIPOutputStream out = new GZIPOutputStream(bytes)) {
      out.write(content);
    }
    return bytes.toByteArray();
  }

  /** By its first bytes, whatever the name; in members one behind the other, as some write it. */
  @Test
  void gzipIsRead() throws IOException {
    String table = join(rows(), ",", "\n");
    byte[] one = gzip(table.substring(0, 100).getBytes(StandardCharsets.UTF_8));
    byte[] two = gzip(table.substring(100).getBytes(StandardCharsets.UTF_8));
    byte[] both = Arrays.copyOf(one, one.length + two.length);
    System.arraycopy(two, 0, both, one.length, two.length);
    for (String name : List.of("a.csv.gz", "a.csv", "A.CSV.GZ")) {
      assertRows(rows(), Files.write(folder.resolve(name), both));
    }
    assertRows(rows(), write("plain.csv.gz", table));
    byte[] whole = gzip(join(rows(), "\t", "\n").getBytes(StandardCharsets.UTF_8));
    assertRows(rows(), Files.write(folder.resolve("a.tsv.gz"), whole));
    Path bad = folder.resolve("bad.tsv.gz");
    refused(Files.write(bad, Arrays.copyOf(whole, 60)), "damaged gzip, it is cut off; try gzip -t");
    whole[whole.length - 7] ^= 1;
    refused(Files.write(bad, whole), "damaged gzip, Corrupt GZIP trailer; try gzip -t");
    byte[] behind = Arrays.copyOf(two, two.length + 40);
    behind[two.length + 3] = 'x';
    refused(Files.write(bad, behind), "damaged gzip, what follows its end is no gzip");
  }

  @Test
  void otherEncodingsAreNamed() throws IOException {
    String table = join(rows(), ",", "\n");
    Path file = folder.resolve("a.csv");
    for (String name : List.of("UTF-16LE", "UTF-16BE", "UTF-32LE", "UTF-32BE")) {
      Files.write(file, ('\ufeff' + table).getBytes(Charset.forName(name)));
      refused(file, ": in " + name.substring(0, 6) + ", but UTF-8 is expected; convert it, for");
    }
    Files.write(file, table.getBytes(StandardCharsets.UTF_16LE));
    refused(
        file, ": in UTF-16, but UTF-8 is expected; convert it, for example with iconv -f UTF-16");
    Files.write(file, table.replace("film 7", "film ü").getBytes(StandardCharsets.ISO_8859_1));
    refused(file, "with iconv -f LATIN1 -t UTF-8 (line 9: byte 0xfc, in LATIN1 ü)");
    Files.write(file, table.replace("film 7", "film €").getBytes(Charset.forName("windows-1252")));
    refused(file, "with iconv -f CP1252 -t UTF-8 (line 9: byte 0x80, in CP1252 €)");
  }

  @Test
  void rowsThatAreNoneAreRefusedWithTheLine() throws IOException {
    String table = join(rows(), ",", "\n");
    refused(
        write("a.csv", table.replace("bad film 6,", "\"bad film 6,")),
        ", line 8: a quote opens there and is not closed");
    refused(
        write("b.csv", table.replace("bad film 6,", "\"bad\" film 6,")),
        ", line 8: in the row that begins there something follows a closing quote");
    refused(write("c.csv", table.replace("film 6,", "film, 6,")), ", line 8: 3 columns, but its");
    refused(
        write("d.tsv", join(rows(), "\t", "\n").replace("film 6\t", "film 6 ")),
        ", line 8: 1 columns, but its first line names 2");
    refused(write("e.csv", table.replace("film 6", "film\0")), ", line 8: a zero byte, which no");
    refused(write("f.tsv", "te\0xt\tlabel\n"), ", line 1: a zero byte, which no");
    refused(
        write("long.csv", table + "\"" + "x".repeat((1 << 24) + 10_000)),
        ", line 42: a row of more than 16777216 characters; is there a quote that is not closed?");
    refused(write("table.txt", table), ": a table's name ends in .csv (commas) or .tsv (tabs)");
    refused(folder, ": a folder, but a table is a file: name one that ends in .csv or .tsv");
    assertEquals(
        "--data no\\nfile.csv: no such file",
        Values.refusal(() -> read(task(Path.of("no\nfile.csv"), MissingValues.REFUSE))));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "  ", "\u00a0", "nan", "NaN", "None", "null", "NULL", "NA", " n/a "})
  void missingLabelsAndTextsAreNoClassAndNoText(String none) throws IOException {
    boolean blank = none.replace('\u00a0', ' ').isBlank();
    for (int column : new int[] {1, 0}) {
      var rows = rows();
      rows.get(4).set(column, none);
      String what = column == 1 ? "label" : "text";
      Path file = write("a.csv", join(rows, ",", "\n"));
      refused(
          file,
          ", line 5: the %s is %s; mend it, or leave such rows out with --set task.missing=drop"
              .formatted(what, blank ? "empty" : "\"" + none.strip() + "\""));
      ClassifyTask dropping = task(file, MissingValues.DROP);
      assertEquals(39, read(dropping).size());
      try (TaskData data = dropping.open(model())) {
        assertEquals(
            "left out 1 of 40 rows, whose text or label is missing", data.remarks().get(0));
        assertEquals(1, data.dataFingerprint().get("dropped").intValue());
        assertEquals("[\"0\",\"1\"]", data.dataFingerprint().get("labels").toString());
      }
      ClassifyTask keeping = task(file, MissingValues.KEEP_WORDS);
      if (blank || column == 1) { // a word makes three classes
        String message = Values.refusal(() -> read(keeping));
        assertTrue(message.contains(blank ? " is empty; mend it" : "3 labels (0, 1, "), message);
      } else {
        assertTrue(read(keeping).contains(none + "=" + rows.get(4).get(1)));
      }
    }
  }

  /** A cell cannot drive the terminal, or fill it. */
  @Test
  void cellsInMessages() throws IOException {
    String evil = "\u001b[2J\u202e" + "x".repeat(500);
    var rows = rows();
    rows.get(1).set(1, evil);
    String shown = "\\u001b[2J\\u202e" + "x".repeat(85) + "… (415 more characters)";
    refused(write("a.csv", join(rows, ",", "\n")), ": 3 labels (" + shown + ", 0, 1), but");
    rows.get(0).set(0, evil);
    refused(write("b.csv", join(rows, ",", "\n")), "there are [" + shown + ", label]");
    String many = "a,".repeat(1000) + "b\n";
    refused(write("c.csv", many), "there are [a, a, a, a, a, a, a, a, a, a, a, a, …]");
  }

  @Test
  @EnabledOnOs(OS.LINUX)
  void devicesArePassedBy() {
    refused(Path.of("/dev/zero"), ": is no regular file but a pipe or a device");
  }

  @Test
  @DisabledOnOs(OS.WINDOWS)
  void pipesArePassedBy() throws Exception {
    Path pipe = folder.resolve("pipe.csv");
    assertEquals(0, new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor());
    refused(pipe, ": is no regular file but a pipe or a device; name a file");
  }
}
