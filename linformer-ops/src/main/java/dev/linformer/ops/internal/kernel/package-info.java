/** Kernels for NVIDIA GPUs, written here as Triton IR and compiled by XLA. */
@org.jspecify.annotations.NullMarked
package dev.linformer.ops.internal.kernel;
