/**
 * Attention in linear time: queries against a compressed sequence of keys and values (arXiv
 * 2006.04768).
 *
 * <h2>The layer</h2>
 *
 * <p>{@link dev.linformer.ops.attention.MultiHeadAttention} is the layer: declare it with an {@link
 * dev.linformer.ops.attention.AttentionSpec} and two projections, and call it with a sequence
 * [b,n,c], or with a sequence and a source [b,s,c]. What a position sees is its {@link
 * dev.linformer.ops.attention.Visibility}.
 *
 * <h2>The formula</h2>
 *
 * <p>{@link dev.linformer.ops.attention.LinearAttention} is softmax(Q·K'ᵀ/√d)·V' of tensors that
 * are there already: training, inference and decoding all run it. {@link
 * dev.linformer.ops.attention.CausalLinearAttention} is the formula where every position sees the
 * projection of its own prefix.
 *
 * <h2>The steps</h2>
 *
 * <p>For who computes a layer in parts, as checkpoint levels do, {@link
 * dev.linformer.ops.attention.AttentionSteps} has it step by step, and {@link
 * dev.linformer.ops.attention.PrefixAttention} the causal one:
 *
 * <ol>
 *   <li>the source before there are heads, {@link dev.linformer.ops.attention.CompressedSource};
 *   <li>keys and values, {@link dev.linformer.ops.attention.CompressedKeyValues};
 *   <li>queries, attention and the output's first map, with the {@link
 *       dev.linformer.ops.attention.AttentionDropout} of the heads and positions at hand;
 *   <li>the output's bias and what comes after it.
 * </ol>
 *
 * <p>A {@link dev.linformer.ops.attention.ContractionPlan} is the order of their products, chosen
 * by cost. {@link dev.linformer.ops.attention.IncrementalDecoding} goes position by position, in
 * O(k·d) each.
 */
@NullMarked
package dev.linformer.ops.attention;

import org.jspecify.annotations.NullMarked;
