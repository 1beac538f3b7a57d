/**
 * Ways of compressing a sequence of n positions to k, section 4 of the paper (arXiv 2006.04768).
 * All are a {@link dev.linformer.ops.projection.SequenceProjection}.
 *
 * <ul>
 *   <li>{@link dev.linformer.ops.projection.LearnedProjection}: y = E·x + bias with a matrix E
 *       [k,n] or [h,k,n], trained or fixed. The only one that causal attention takes.
 *   <li>{@link dev.linformer.ops.projection.ConvolutionProjection}: a convolution whose kernel and
 *       stride are n/k positions, over the channels of a head.
 *   <li>{@link dev.linformer.ops.projection.PoolingProjection}: mean or maximum over windows of n/k
 *       positions; it has no weights.
 *   <li>{@link dev.linformer.ops.projection.IdentityProjection}: none, k = n, which is full
 *       attention.
 * </ul>
 *
 * <p>A sequence may be shorter than n: missing positions count as zeros.
 */
@NullMarked
package dev.linformer.ops.projection;

import org.jspecify.annotations.NullMarked;
