package dev.linformer.model.data;

import dev.linformer.io.InvalidInputException;
import dev.linformer.model.ModelConfig;

/** Refuses models of another kind, or with fewer tokens or classes, than a task needs. */
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

  /**
   * @param given the model's
   * @param who has so many tokens
   * @throws InvalidInputException if the model has fewer
   */
  static void requireTokens(String source, int given, String who, int needed) {
    requireSize(source, "num_tokens", given, "%s has %s tokens".formatted(who, needed), needed);
  }

  /**
   * @param given the model's value of the key
   * @throws InvalidInputException if it is smaller than needed
   */
  static void requireSize(String source, String key, int given, String has, int needed) {
    if (given < needed) {
      throw new InvalidInputException(
          "%s: %s = %s, but %s; set it to %s, or leave it out"
              .formatted(source, key, given, has, needed));
    }
  }
}
