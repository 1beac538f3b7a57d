/**
 * The models: configuration, weights by name, and the graph from input to output.
 *
 * <ol>
 *   <li>A {@link dev.linformer.model.ModelConfig} says what a model is. It is read from JSON, or
 *       built: {@link dev.linformer.model.LinformerConfig} for a stack of layers, {@link
 *       dev.linformer.model.LinformerClassifierConfig}, {@link
 *       dev.linformer.model.LinformerLMConfig} and {@link
 *       dev.linformer.model.LinformerEncDecConfig} for models of tokens around stacks.
 *   <li>{@code declare} asks a {@link dev.linformer.ops.ParameterFactory} for each weight by its
 *       name, and gives the model on them: {@link dev.linformer.model.Linformer}, {@link
 *       dev.linformer.model.LinformerClassifier}, {@link dev.linformer.model.LinformerLM} or {@link
 *       dev.linformer.model.LinformerEncDec}. {@link dev.linformer.model.Variables} makes variables
 *       of a graph.
 *   <li>{@code call} adds the model to a graph, any number of times. A {@link
 *       dev.linformer.model.Context} holds masks and a decoder's source. With a {@link
 *       dev.linformer.ops.RandomKey} there is dropout, without one there is none.
 *   <li>A {@link dev.linformer.model.ModelDirectory} keeps a configuration and its weights, {@link
 *       dev.linformer.model.WeightFile} the weights of any session.
 * </ol>
 *
 * <p>What is optional: {@link dev.linformer.model.CheckpointLevel} says how much is computed again
 * in the backward pass, {@link dev.linformer.model.ComputePrecision} in which type, {@link
 * dev.linformer.model.ProjectionMethod} how sequences are compressed. {@link
 * dev.linformer.model.ModelSummary} and {@link dev.linformer.model.AttentionPlans} show what a
 * configuration comes to.
 */
@NullMarked
package dev.linformer.model;

import org.jspecify.annotations.NullMarked;
