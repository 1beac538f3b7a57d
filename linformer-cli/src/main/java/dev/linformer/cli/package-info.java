/** The command line. */
@NullMarked
package dev.linformer.cli;

import org.jspecify.annotations.NullMarked;
