/** How fast models are, and how much memory they take. */
@NullMarked
package dev.linformer.bench;

import org.jspecify.annotations.NullMarked;
