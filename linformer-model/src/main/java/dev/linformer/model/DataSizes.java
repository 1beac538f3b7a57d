package dev.linformer.model;

import dev.linformer.io.internal.JsonObjectReader;

/**
 * What data asks of a model: how many different tokens there are, and how many classes. A
 * configuration that is read with sizes need not have num_tokens and num_classes.
 *
 * @param tokens ids are 0 … tokens − 1; 0 if the data doesn't say
 * @param classes 0 if there are none, or the data doesn't say
 */
public record DataSizes(int tokens, int classes) {

  /** Of data that doesn't say. */
  public static final DataSizes UNKNOWN = new DataSizes(0, 0);

  static final String TOKENS_KEY = "num_tokens";
  static final String CLASSES_KEY = "num_classes";

  /** The number of tokens that keys give, or else this one. */
  int tokens(JsonObjectReader keys) {
    return size(keys, TOKENS_KEY, tokens);
  }

  /** The number of classes that keys give, or else this one. */
  int classes(JsonObjectReader keys) {
    return size(keys, CLASSES_KEY, classes);
  }

  private static int size(JsonObjectReader keys, String key, int unset) {
    return unset > 0 ? keys.integer(key, unset) : keys.integer(key);
  }
}
