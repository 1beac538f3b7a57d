/** Training: the graph of a step, the optimizer, the loop, and what survives a crash. */
@NullMarked
package dev.linformer.model.train;

import org.jspecify.annotations.NullMarked;
