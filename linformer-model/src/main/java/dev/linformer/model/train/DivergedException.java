package dev.linformer.model.train;

/** The loss or its gradient stopped being a number: nothing more can be learnt. */
public final class DivergedException extends RuntimeException {

  private static final long serialVersionUID = 1;

  DivergedException(int step, double loss, double norm, String place) {
    super(
        "the loss is %s at step %d, the gradients' norm %s; %s. The last checkpoint is from before. A lower learning rate, or a longer warm-up, helps"
            .formatted(loss, step, norm, place));
  }
}
