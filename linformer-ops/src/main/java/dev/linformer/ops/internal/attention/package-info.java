/**
 * How attention is computed. Not part of the API: it changes without notice.
 *
 * <p>{@link dev.linformer.ops.internal.attention.LinearAttention} is softmax(Q·K'ᵀ/√d)·V' of
 * tensors that are there already: training, inference and decoding all run it. {@link
 * dev.linformer.ops.internal.attention.CausalLinearAttention} is the formula where every position
 * sees the projection of its own prefix.
 *
 * <p>{@link dev.linformer.ops.internal.attention.AttentionSteps} computes a whole layer with its
 * {@link dev.linformer.ops.internal.attention.MultiHeadWeights}, step by step, so that checkpoint
 * levels can do it in parts; {@link dev.linformer.ops.internal.attention.PrefixAttention} has the
 * causal steps:
 *
 * <ol>
 *   <li>the source before there are heads, {@link
 *       dev.linformer.ops.internal.attention.CompressedSource};
 *   <li>keys and values, {@link dev.linformer.ops.projection.CompressedKeyValues};
 *   <li>queries, attention and the output's first map, with the {@link
 *       dev.linformer.ops.internal.attention.AttentionDropout} of the heads and positions at hand;
 *   <li>the output's bias and what comes after it.
 * </ol>
 *
 * <p>A {@link dev.linformer.ops.internal.attention.ContractionPlan} is the order of their products,
 * chosen by cost.
 */
@NullMarked
package dev.linformer.ops.internal.attention;

import org.jspecify.annotations.NullMarked;
