/** Models without their training: to compute with, and to hand to other runtimes. */
@NullMarked
package dev.linformer.export;

import org.jspecify.annotations.NullMarked;
