/** Arrays in files: safetensors for a model's weights, npy for single arrays in and out. */
@NullMarked
package dev.linformer.model.weights;

import org.jspecify.annotations.NullMarked;
