/**
 * Gradients that are other than TensorFlow's.
 *
 * <h2>Computing again instead of keeping</h2>
 *
 * <p>{@link dev.linformer.ops.gradient.Recompute} is what {@code tf.recompute_grad} is in Python,
 * and more: a segment of the graph whose insides are not kept for the backward pass. Its body is a
 * {@link dev.linformer.ops.gradient.SegmentBody}, which asks a {@link
 * dev.linformer.ops.gradient.Substitution} for what stands for each input. A segment can be
 * computed in parts, one after another, so that the insides of one part exist at a time: {@link
 * dev.linformer.ops.gradient.ChunkPlan} says into how many, and {@link
 * dev.linformer.ops.gradient.SegmentInput} what of each input a part sees.
 *
 * <h2>Gradients of one's own</h2>
 *
 * <p>{@link dev.linformer.ops.gradient.CustomGradient} is what {@code tf.custom_gradient} is in
 * Python: an output that says itself what its gradients are.
 *
 * <p>Both work on Linux and macOS; on Windows TensorFlow Java has no custom gradients.
 */
@NullMarked
package dev.linformer.ops.gradient;

import org.jspecify.annotations.NullMarked;
