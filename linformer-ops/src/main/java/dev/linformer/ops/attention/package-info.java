/**
 * Attention in linear time: queries against a compressed sequence of keys and values (arXiv
 * 2006.04768).
 *
 * <p>{@link dev.linformer.ops.attention.MultiHeadAttention} is the layer: declare it with an {@link
 * dev.linformer.ops.attention.AttentionSpec} and two projections, and call it with a sequence
 * [b,n,c], or with a sequence and a source [b,s,c]. What a position sees is its {@link
 * dev.linformer.ops.Visibility}. {@link dev.linformer.ops.attention.IncrementalDecoding} goes
 * position by position, in O(k·d) each.
 */
@NullMarked
package dev.linformer.ops.attention;

import org.jspecify.annotations.NullMarked;
