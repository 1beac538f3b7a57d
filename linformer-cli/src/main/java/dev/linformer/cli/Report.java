package dev.linformer.cli;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.linformer.model.data.Example;
import dev.linformer.model.data.ListOpsBaselines;
import dev.linformer.model.train.Evaluation;
import java.util.List;
import java.util.Locale;

/** A model's accuracy beside that of rules that need no model, on the same examples. */
record Report(Evaluation model, ListOpsBaselines baselines) {

  static Report measure(Evaluation model, List<Example> train, List<Example> heldOut) {
    return new Report(model, ListOpsBaselines.measure(train, heldOut));
  }

  String table() {
    return String.format(
        Locale.ROOT,
        """
        held-out examples             %8d
        accuracy, this model          %7.1f%%   (loss %.4f)
        accuracy, majority class      %7.1f%%
        accuracy, root operator alone %7.1f%%
        accuracy, root operator and its own digits %.1f%%""",
        model.examples(),
        100 * model.accuracy(),
        model.loss(),
        100 * baselines.majority(),
        100 * baselines.rootOperator(),
        100 * baselines.rootLiterals());
  }

  ObjectNode toJson() {
    return JsonNodeFactory.instance
        .objectNode()
        .put("examples", model.examples())
        .put("accuracy", model.accuracy())
        .put("loss", model.loss())
        .put("majority_class_accuracy", baselines.majority())
        .put("root_operator_accuracy", baselines.rootOperator())
        .put("root_literals_accuracy", baselines.rootLiterals());
  }
}
