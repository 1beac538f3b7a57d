package dev.linformer.model.data;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.linformer.io.InvalidInputException;
import dev.linformer.io.internal.JsonObjectReader;
import dev.linformer.model.DataSizes;
import dev.linformer.model.LinformerClassifierConfig;
import dev.linformer.model.ModelConfig;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.CRC32C;

/**
 * Classification of texts in a table: a file of comma-separated values (RFC 4180), or of
 * tab-separated ones without quoting if its name ends in {@code .tsv}, gzip or not, whose first
 * line names the columns. Of the rows, drawn by the seed, a tenth is to watch on and a tenth to
 * measure on.
 *
 * @param data the file
 * @param textColumn name of the column with the text
 * @param labelColumn name of the column with the class: whole numbers from 0, or any words, which
 *     are then numbered in the order of the alphabet
 * @param tokenizer how text becomes tokens
 * @param truncate whether a text's end is cut off where it is longer than the model's input
 * @param missing what is done with rows whose text or label is missing
 * @param seed of the parts and of the order
 */
public record ClassifyTask(
    String data,
    String textColumn,
    String labelColumn,
    Tokenizer tokenizer,
    boolean truncate,
    MissingValues missing,
    long seed)
    implements Task {

  /** The task's word on the command line. */
  public static final String NAME = "classify";

  static ClassifyTask take(JsonObjectReader keys) {
    var data = keys.texts("data");
    if (data.size() != 1) {
      throw new InvalidInputException(
          "the task %s needs a table: name one .csv or .tsv file with --data, found %s"
              .formatted(NAME, data.size()));
    }
    return new ClassifyTask(
        data.get(0),
        keys.text("text_column", "text"),
        keys.text("label_column", "label"),
        keys.choice("tokenizer", Tokenizer.BYTES),
        keys.flag("truncate", false),
        keys.choice("missing", MissingValues.REFUSE),
        keys.longInteger("seed", 1));
  }

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public Objective objective() {
    return Objective.classPerSequence(true);
  }

  @Override
  public void check(ModelConfig model, String source) {
    LinformerClassifierConfig classifier =
        ModelKinds.require(
            LinformerClassifierConfig.class, LinformerClassifierConfig.TYPE, model, source, NAME);
    ModelKinds.requireTokens(
        source, classifier.vocabularySize(), "the tokenizer " + tokenizer.word(), tokenizer.size());
  }

  /** Reads the table once for its labels. */
  @Override
  public DataSizes sizes() throws IOException {
    Map<String, Long> lines = new LinkedHashMap<>();
    try (TableRows rows = new TableRows(this, new CRC32C())) {
      for (TableRows.TableRow row = rows.next(); row != null; row = rows.next()) {
        lines.putIfAbsent(row.label(), row.line());
      }
    }
    return new DataSizes(tokenizer.size(), new Labels(data, lines).classes());
  }

  @Override
  public TaskData open(ModelConfig model) throws IOException {
    LinformerClassifierConfig classifier = (LinformerClassifierConfig) model;
    Table table = Table.read(this, classifier.encoder().sequenceLength());
    try {
      return new TableData(
          this, table, classifier.classes(), classifier.encoder().sequenceLength());
    } catch (RuntimeException e) {
      table.close();
      throw e;
    }
  }

  @Override
  public List<Path> sources() {
    return List.of(Path.of(data));
  }

  @Override
  public ObjectNode toJson() {
    ObjectNode json = JsonNodeFactory.instance.objectNode().put(Task.NAME, NAME);
    json.putArray("data").add(data);
    return json.put("text_column", textColumn)
        .put("label_column", labelColumn)
        .put("tokenizer", tokenizer.word())
        .put("truncate", truncate)
        .put("missing", missing.word())
        .put("seed", seed);
  }
}
