package dev.linformer.model.train;

/** What a {@link TrainingRun} has to say to people, a line each. */
public interface TrainingMessages {

  /** Says nothing to anyone. */
  TrainingMessages NONE = new TrainingMessages() {};

  /** What happens, or what is in the data. */
  default void info(String line) {}

  /** What isn't as it should be, though the training goes on. */
  default void warn(String line) {}
}
