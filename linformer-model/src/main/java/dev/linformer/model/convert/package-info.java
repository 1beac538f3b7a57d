/** Models of other packages: their configurations and their names for weights, in and out. */
@NullMarked
package dev.linformer.model.convert;

import org.jspecify.annotations.NullMarked;
