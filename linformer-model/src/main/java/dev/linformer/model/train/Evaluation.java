package dev.linformer.model.train;

/**
 * How a model did on a list of examples.
 *
 * @param loss mean over all targets: cross-entropy in nats, or what an {@link
 *     dev.linformer.model.data.Objective} of a program's own computes
 * @param accuracy share of right answers, or the mean of an objective's own metric
 * @param targets how many targets counted
 */
public record Evaluation(double loss, double accuracy, long targets) {}
