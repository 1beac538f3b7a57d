/**
 * Layers for TensorFlow Java's graphs: operands in, operands out, no session and no trainer.
 *
 * <h2>A layer</h2>
 *
 * <p>A layer is a record of its weights. {@code declare} asks a {@link
 * dev.linformer.ops.ParameterFactory} for them, {@code call} adds the layer's operations to a
 * graph, any number of times. Matrices of weights are {@code [out,in]}, as in PyTorch's state
 * dictionaries.
 *
 * <pre>{@code
 * // parameters: a ParameterFactory, which gives an operand for each Parameter
 * FeedForward<TFloat32> layer =
 *     FeedForward.declare(parameters, "ff", 64, 256, 64, Activation.GELU, false);
 * Operand<TFloat32> y = layer.call(tf, x, 0, null); // [b,n,64] → [b,n,64]
 * }</pre>
 *
 * <h2>What there is</h2>
 *
 * <ul>
 *   <li>Layers: {@link dev.linformer.ops.Dense}, {@link dev.linformer.ops.FeedForward}, {@link
 *       dev.linformer.ops.LayerNorm}, {@link dev.linformer.ops.Embedding}, {@link
 *       dev.linformer.ops.PositionalEncoding}, {@link dev.linformer.ops.Dropout}, {@link
 *       dev.linformer.ops.Activation}, {@link dev.linformer.ops.Masks}.
 *   <li>Weights: {@link dev.linformer.ops.Parameter}, what a layer says of one; {@link
 *       dev.linformer.ops.Initialization}, how it starts; {@link
 *       dev.linformer.ops.ParameterFactory}, where it comes from, and with it the {@link
 *       dev.linformer.ops.Backend} that computes the layers.
 *   <li>Randomness is an argument, a {@link dev.linformer.ops.RandomKey}; null outside training.
 *   <li>{@link dev.linformer.ops.attention}: linear attention; {@link
 *       dev.linformer.ops.projection}: what compresses its keys and values; {@link
 *       dev.linformer.ops.gradient}: computing again instead of keeping.
 * </ul>
 *
 * <h2>Letters</h2>
 *
 * <p>{@code [b,n,c]} is a shape. In every comment of this library
 *
 * <ul>
 *   <li>{@code b}: sequences of a batch
 *   <li>{@code n}: positions of a sequence
 *   <li>{@code s}: positions of a source, which a sequence attends to
 *   <li>{@code c}: channels, the width of a position's vector
 *   <li>{@code h}: heads
 *   <li>{@code d}: width of a head
 *   <li>{@code k}: compressed length
 *   <li>{@code f}: width of a feed-forward layer
 *   <li>{@code m}: positions of a part or a chunk; rows of a kernel's block
 *   <li>{@code g}: parts or chunks that a sequence is cut in
 *   <li>{@code w}: positions of a window; width of a kernel's block; any last axis of a dropout
 *   <li>{@code e}: width of embeddings where it is not c
 *   <li>{@code v}: tokens of a vocabulary
 *   <li>{@code p}, {@code q}: sizes of a product's factors; in a kernel {@code p} is the width of a
 *       query and {@code q} the queries
 *   <li>{@code r}: width of a value in a kernel
 *   <li>{@code out}: width of an output
 * </ul>
 */
@NullMarked
package dev.linformer.ops;

import org.jspecify.annotations.NullMarked;
