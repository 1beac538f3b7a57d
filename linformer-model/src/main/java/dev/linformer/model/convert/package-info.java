/**
 * Models of other packages: {@link dev.linformer.model.convert.WeightImport} takes their weights
 * and configurations into a model directory, {@link dev.linformer.model.convert.WeightExport}
 * writes a model directory's weights under their names.
 */
@NullMarked
package dev.linformer.model.convert;

import org.jspecify.annotations.NullMarked;
