package dev.linformer.ops.attention;

import dev.linformer.ops.Visibility;
import org.jspecify.annotations.Nullable;

/**
 * Sizes and options of a {@link MultiHeadAttention}.
 *
 * @param channels c, of input and output
 * @param heads h
 * @param headDim d
 * @param outputIntermediateDim width between two output maps, h·d → width → c, or null for a single
 *     one, h·d → c
 * @param oneKeyValueHead whether all heads share one head of keys and values
 * @param visibility what a position sees
 */
public record AttentionSpec(
    long channels,
    int heads,
    long headDim,
    @Nullable Integer outputIntermediateDim,
    boolean oneKeyValueHead,
    Visibility visibility) {

  /** Every position sees every other, each head has its own keys, one output map. */
  public AttentionSpec(long channels, int heads, long headDim) {
    this(channels, heads, headDim, null, false, Visibility.ALL);
  }
}
