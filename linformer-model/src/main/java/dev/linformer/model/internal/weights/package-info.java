/**
 * Arrays in files: a model's weights in safetensors, and in others' formats; npy for arrays in and
 * out. Not part of the API: it changes without notice. {@code dev.linformer.model.WeightFile} is.
 */
@NullMarked
package dev.linformer.model.internal.weights;

import org.jspecify.annotations.NullMarked;
