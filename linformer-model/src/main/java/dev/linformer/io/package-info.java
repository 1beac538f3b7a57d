/** What is wrong with an input, said to the person who can mend it. */
@NullMarked
package dev.linformer.io;

import org.jspecify.annotations.NullMarked;
