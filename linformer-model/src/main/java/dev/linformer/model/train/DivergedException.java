package dev.linformer.model.train;

/** The loss or its gradient stopped being a number: nothing more can be learnt. */
public final class DivergedException extends RuntimeException {

  private static final long serialVersionUID = 1;

  private static final String HELP =
      "The last checkpoint is from before. A lower learning rate, or a longer warm-up, helps";

  DivergedException(int step, double loss, double norm, String place) {
    this(
        "the loss is %s at step %s, the gradients' norm %s; %s. %s"
            .formatted(loss, step, norm, place, HELP));
  }

  private DivergedException(String message) {
    super(message);
  }

  /** An update has made numbers of a weight that are none, or too large for float32. */
  static DivergedException spoilt(int step, String weight) {
    return new DivergedException(
        "the weight %s is no number any more after step %s, and nothing of it is written. %s"
            .formatted(weight, step, HELP));
  }

  /** The weights are numbers, and what the model computes with them is not. */
  static DivergedException measured(double loss) {
    return new DivergedException(
        "the loss on the examples that the model is measured on is %s: its weights are numbers, but too large for float32. A lower learning rate, or a longer warm-up, helps"
            .formatted(loss));
  }
}
