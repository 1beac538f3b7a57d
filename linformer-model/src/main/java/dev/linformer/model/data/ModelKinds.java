package dev.linformer.model.data;

import dev.linformer.io.InvalidInputException;
import dev.linformer.model.ModelConfig;

/** Refuses models of another kind than a task trains. */
final class ModelKinds {

  private ModelKinds() {}

  /**
   * The model as one of a kind.
   *
   * @param type the kind's word
   * @throws InvalidInputException if it is of another
   */
  static <M extends ModelConfig> M require(
      Class<M> kind, String type, ModelConfig model, String source, String task) {
    if (!kind.isInstance(model)) {
      throw new InvalidInputException(
          "%s: model_type = %s, but the task %s trains a %s"
              .formatted(source, model.modelType(), task, type));
    }
    return kind.cast(model);
  }
}
