package dev.linformer.runtime;

import org.jspecify.annotations.Nullable;

/** Whether something is done: always, never, or where it is the better choice. */
public enum Toggle {
  /** Where it pays; in JSON null, or an absent key. */
  AUTO,
  /** Always, and refused where it cannot be; in JSON true. */
  ON,
  /** Never; in JSON false. */
  OFF;

  /**
   * The constant for a value of JSON.
   *
   * @param value true, false, or null
   */
  public static Toggle of(@Nullable Boolean value) {
    if (value == null) {
      return AUTO;
    }
    return value ? ON : OFF;
  }

  /** True, false or null, as in JSON. */
  public @Nullable Boolean toBoolean() {
    return this == AUTO ? null : Boolean.valueOf(this == ON);
  }
}
