package dev.linformer.model.data;

/**
 * What a model is asked for.
 *
 * @param everyPosition a target at every position, [b,n], instead of one a sequence, [b]
 * @param masked whether the model is told where sequences end
 */
public record Objective(boolean everyPosition, boolean masked) {}
