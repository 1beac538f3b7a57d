/** Products of batches of matrices, with gradients that are such products too. */
@NullMarked
package dev.linformer.ops.internal.product;

import org.jspecify.annotations.NullMarked;
