/** The models: configuration, weights by name, and the graph from input to output. */
@NullMarked
package dev.linformer.model;

import org.jspecify.annotations.NullMarked;
