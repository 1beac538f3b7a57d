/** TensorFlow's sessions and devices: what there is to compute on, and how it is opened. */
@NullMarked
package dev.linformer.runtime;

import org.jspecify.annotations.NullMarked;
