/**
 * Reading of JSON and files that strangers made, and writing of files that appear whole or not at
 * all. Not part of the API: it changes without notice.
 */
@NullMarked
package dev.linformer.io.internal;

import org.jspecify.annotations.NullMarked;
