/**
 * Graph builders for TensorFlow Java: operands in, operands out, no session and no trainer.
 *
 * <p>Letters used for axes in every comment of this library: {@code b} batch, {@code n} sequence
 * length, {@code c} channels, {@code h} heads, {@code d} width of a head, {@code k} projected
 * length, {@code f} width of the feed-forward layer. {@code [b,n,c]} is a shape.
 *
 * <p>A layer is a record of its weights: {@code declare} asks a {@link
 * dev.linformer.ops.ParameterFactory} for them, {@code call} adds the layer's operations to a
 * graph. Matrices of weights are {@code [out,in]}, as in the state dictionaries of the ecosystem.
 */
@NullMarked
package dev.linformer.ops;

import org.jspecify.annotations.NullMarked;
