/**
 * Training.
 *
 * <p>From the top down; each layer can be used without the ones above it:
 *
 * <ul>
 *   <li>{@link dev.linformer.model.train.TrainingRun}: a training in a model directory, created,
 *       stopped, resumed, measured and saved. This is the command {@code linformer train}.
 *   <li>{@link dev.linformer.model.train.Trainer}: the loop, with checkpoints in a folder. It takes
 *       any {@link dev.linformer.model.data.Objective}, which says what a batch holds and what the
 *       loss is.
 *   <li>{@link dev.linformer.model.train.Optimizer}: a step in a graph of one's own, {@code new
 *       AdamW().minimize(tf, loss, weights, 0.003)}.
 * </ul>
 *
 * <p>How it is done: {@link dev.linformer.model.train.TrainerConfig}, with a {@link
 * dev.linformer.model.train.Schedule} of the learning rate and one of the optimizers, {@link
 * dev.linformer.model.train.AdamW}, {@link dev.linformer.model.train.Sgd}, {@link
 * dev.linformer.model.train.Adagrad}, {@link dev.linformer.model.train.RmsProp} or {@link
 * dev.linformer.model.train.Adadelta}.
 *
 * <p>What is heard of it: a {@link dev.linformer.model.train.TrainingListener} hears steps,
 * measurements and checkpoints, and {@link dev.linformer.model.train.TrainingMessages} lines for
 * people. A training whose loss is no number any more ends with a {@link
 * dev.linformer.model.train.DivergedException} that says where it began.
 *
 * <p>Before a long training: {@link dev.linformer.model.train.DryRun} computes everything once, and
 * {@link dev.linformer.model.train.InputPipelineTiming} measures what feeding costs.
 */
@NullMarked
package dev.linformer.model.train;

import org.jspecify.annotations.NullMarked;
