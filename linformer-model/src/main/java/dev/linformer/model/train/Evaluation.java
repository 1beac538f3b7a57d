package dev.linformer.model.train;

/**
 * How a model did on a list of examples.
 *
 * @param loss mean cross-entropy, in nats
 * @param accuracy share of right answers
 * @param targets how many answers there were
 */
public record Evaluation(double loss, double accuracy, long targets) {}
