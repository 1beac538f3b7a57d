/** Pictures of models and trainings, as images in memory, and what notebooks need besides. */
@NullMarked
package dev.linformer.visual;

import org.jspecify.annotations.NullMarked;
