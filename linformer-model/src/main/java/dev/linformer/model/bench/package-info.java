/** How fast models are, and how much memory they take. */
@NullMarked
package dev.linformer.model.bench;

import org.jspecify.annotations.NullMarked;
