/** Ways of compressing a sequence of length n to length k. */
@NullMarked
package dev.linformer.ops.projection;

import org.jspecify.annotations.NullMarked;
