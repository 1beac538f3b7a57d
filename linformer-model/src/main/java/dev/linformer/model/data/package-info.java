/** What models learn from and are measured on: generated tasks, their yardsticks, and batches. */
@NullMarked
package dev.linformer.model.data;

import org.jspecify.annotations.NullMarked;
