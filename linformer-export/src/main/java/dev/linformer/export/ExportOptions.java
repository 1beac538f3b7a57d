package dev.linformer.export;

import dev.linformer.model.ModelDirectory;
import dev.linformer.model.data.Task;
import java.util.EnumSet;
import java.util.Set;
import java.util.TreeSet;

/**
 * What an export is to hold.
 *
 * @param formats at least one
 * @param signatures empty for all that the model has
 * @param attentionLayers layers, counted from 0, whose P̄ the signature {@code attention} gives;
 *     empty for all
 * @param lengths which sequences it takes
 * @param precision of the weights
 */
public record ExportOptions(
    Set<ExportFormat> formats,
    Set<SignatureName> signatures,
    Set<Integer> attentionLayers,
    Lengths lengths,
    StoragePrecision precision) {

  /** Which sequences an export takes. */
  public enum Lengths {
    /**
     * {@link #MASKED} if trainer_state.json says that the model was trained with padding behind a
     * mask, so that an export computes what the training measured; {@link #FIXED} otherwise, also
     * for a model that was not trained here.
     */
    TRAINED,
    /** n positions, all of them real. */
    FIXED,
    /** n positions, with a mask of the real ones as an input. */
    MASKED,
    /** Any number of positions up to n, with a mask of the real ones as an input. */
    ANY
  }

  /**
   * Copies the sets.
   *
   * @throws IllegalArgumentException if there is no format
   */
  public ExportOptions {
    if (formats.isEmpty()) {
      throw new IllegalArgumentException("an export needs a format");
    }
    formats = EnumSet.copyOf(formats);
    signatures = signatures.isEmpty() ? Set.of() : EnumSet.copyOf(signatures);
    attentionLayers = new TreeSet<>(attentionLayers);
  }

  /** A SavedModel in float32 with all signatures, for sequences as the training had them. */
  public static ExportOptions savedModel() {
    return new ExportOptions(
        EnumSet.of(ExportFormat.SAVEDMODEL),
        Set.of(),
        Set.of(),
        Lengths.TRAINED,
        StoragePrecision.FLOAT32);
  }

  /**
   * These options with other formats.
   *
   * @param first a format
   * @param others more formats, in any order
   */
  public ExportOptions withFormats(ExportFormat first, ExportFormat... others) {
    return new ExportOptions(
        EnumSet.of(first, others), signatures, attentionLayers, lengths, precision);
  }

  /**
   * These options with some of the signatures that the model has.
   *
   * @param first a signature
   * @param others more signatures, in any order
   */
  public ExportOptions withSignatures(SignatureName first, SignatureName... others) {
    return new ExportOptions(
        formats, EnumSet.of(first, others), attentionLayers, lengths, precision);
  }

  /**
   * These options with P̄ [b,h,n,k] of some layers in the signature {@code attention}.
   *
   * @param layers counted from 0; empty for all
   */
  public ExportOptions withAttentionLayers(Set<Integer> layers) {
    return new ExportOptions(formats, signatures, layers, lengths, precision);
  }

  /**
   * These options for other sequences.
   *
   * @param other which sequences the export takes
   */
  public ExportOptions withLengths(Lengths other) {
    return new ExportOptions(formats, signatures, attentionLayers, other, precision);
  }

  /**
   * These options with {@link Lengths#MASKED} or {@link Lengths#FIXED} in the place of {@link
   * Lengths#TRAINED}.
   *
   * @param model that is to be exported
   * @throws dev.linformer.io.InvalidInputException if its trainer_state.json cannot be read
   */
  public ExportOptions resolved(ModelDirectory model) {
    if (lengths != Lengths.TRAINED) {
      return this;
    }
    boolean masked = Task.of(model).filter(task -> task.objective().masked()).isPresent();
    return withLengths(masked ? Lengths.MASKED : Lengths.FIXED);
  }

  /**
   * These options with weights stored in another precision.
   *
   * @param other what weights are rounded to; the export computes in float32 all the same
   */
  public ExportOptions withPrecision(StoragePrecision other) {
    return new ExportOptions(formats, signatures, attentionLayers, lengths, other);
  }
}
