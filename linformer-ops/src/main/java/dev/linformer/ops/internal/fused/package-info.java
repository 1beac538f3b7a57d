/**
 * The kernels of {@link dev.linformer.ops.Backend#GPU_KERNELS}. A {@code Fused…} class puts one
 * into a graph, with its gradient; the classes beside it write the kernel's text for given sizes.
 */
@NullMarked
package dev.linformer.ops.internal.fused;

import org.jspecify.annotations.NullMarked;
