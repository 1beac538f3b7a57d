/**
 * Arrays in files: a model's weights in safetensors, and in others' formats; npy for arrays in and
 * out.
 */
@NullMarked
package dev.linformer.model.weights;

import org.jspecify.annotations.NullMarked;
