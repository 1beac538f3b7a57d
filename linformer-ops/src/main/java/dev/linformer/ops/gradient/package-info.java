/** Gradients that are other than TensorFlow's: computing again instead of keeping. */
@NullMarked
package dev.linformer.ops.gradient;

import org.jspecify.annotations.NullMarked;
