/** Attention in linear time: queries against a compressed sequence of keys and values. */
@NullMarked
package dev.linformer.ops.attention;

import org.jspecify.annotations.NullMarked;
