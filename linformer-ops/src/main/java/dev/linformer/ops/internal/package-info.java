/** Arithmetic and shapes that the layers share. Not part of the API: it changes without notice. */
@NullMarked
package dev.linformer.ops.internal;

import org.jspecify.annotations.NullMarked;
