/** TensorFlow's sessions and libraries: how TensorFlow is opened. */
@NullMarked
package dev.linformer.runtime;

import org.jspecify.annotations.NullMarked;
