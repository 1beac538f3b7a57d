/** Texts of strangers in messages. Not part of the API: it changes without notice. */
@NullMarked
package dev.linformer.io.internal.text;

import org.jspecify.annotations.NullMarked;
