/**
 * What the machine's devices can do: compile, and run kernels. Not part of the API: it changes
 * without notice.
 */
@NullMarked
package dev.linformer.runtime.internal;

import org.jspecify.annotations.NullMarked;
