package dev.linformer.model.train;

/**
 * How the learning rate falls after warm-up, during which it rises in a line from 0 to the highest.
 */
public enum Schedule {
  /** In a line; one step behind the last it would be 0. */
  LINEAR,
  /** As half a wave of a cosine; one step behind the last it would be 0. */
  COSINE,
  /** As √(warm-up/step), with a warm-up of at least 1. */
  INVERSE_SQRT,
  /** Not at all. */
  CONSTANT;

  /**
   * The learning rate of an update.
   *
   * @param highest the highest
   * @param warmup number of updates of warm-up
   * @param steps number of all updates
   * @param step counted from 1
   */
  double rate(double highest, int warmup, int steps, long step) {
    if (step <= warmup) {
      return highest * step / warmup;
    }
    return switch (this) {
      case LINEAR -> highest * (steps - step + 1) / (steps - warmup);
      case COSINE -> highest / 2 * (1 + Math.cos(Math.PI * (step - warmup - 1) / (steps - warmup)));
      case INVERSE_SQRT -> highest * Math.sqrt(Math.max(1, warmup) / (double) step);
      case CONSTANT -> highest;
    };
  }
}
