/** What models and trainings share. Not part of the API: it changes without notice. */
@NullMarked
package dev.linformer.model.internal;

import org.jspecify.annotations.NullMarked;
