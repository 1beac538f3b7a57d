/**
 * What models learn from and are measured on.
 *
 * <p>A {@link dev.linformer.model.data.Task} says where examples come from and what is asked of a
 * model, and opens its {@link dev.linformer.model.data.TaskData}: batches to learn from, to watch a
 * training on, and to measure a model on. There are
 *
 * <ul>
 *   <li>{@link dev.linformer.model.data.LanguageTask}: text files, for masked and causal language
 *       models;
 *   <li>{@link dev.linformer.model.data.ClassifyTask}: a table with texts and their classes;
 *   <li>{@link dev.linformer.model.data.ListOpsTask}: nested expressions and their values, generated
 *       by {@link dev.linformer.model.data.ListOps};
 *   <li>{@link dev.linformer.model.data.CopyTask}: symbols that are to be told again, a quick check.
 * </ul>
 *
 * <p>A task of a program's own implements {@link dev.linformer.model.data.Task}. Sequences of
 * tokens with a class each are {@link dev.linformer.model.data.ExampleData}; for other inputs, or
 * another loss, there are {@link dev.linformer.model.data.Objective} and {@link
 * dev.linformer.model.data.Batch#builder}.
 */
@NullMarked
package dev.linformer.model.data;

import org.jspecify.annotations.NullMarked;
