/**
 * What is wrong with an input, said to the person who can mend it: {@link
 * dev.linformer.io.InvalidInputException}.
 */
@NullMarked
package dev.linformer.io;

import org.jspecify.annotations.NullMarked;
