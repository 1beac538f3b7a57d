package dev.linformer.model.train;

/**
 * How a classifier did on a list of examples.
 *
 * @param loss mean cross-entropy, in nats
 * @param accuracy share of right answers
 * @param examples how many there were
 */
public record Evaluation(double loss, double accuracy, int examples) {}
