/** The command line: {@link dev.linformer.cli.Main} is the program. */
@NullMarked
package dev.linformer.cli;

import org.jspecify.annotations.NullMarked;
