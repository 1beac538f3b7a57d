package dev.linformer.model.convert;

import dev.linformer.io.InvalidInputException;
import dev.linformer.model.ModelConfig;
import dev.linformer.ops.Parameter;
import java.nio.file.Path;
import java.util.List;

/** A model of another package: what it is here, and its names for the weights. */
sealed interface ForeignModel permits LinformerPyTorch, Lucidrains {

  /**
   * Reads the configuration of a package's model.
   *
   * @param packageName {@value LinformerPyTorch#NAME} or {@value Lucidrains#NAME}
   * @param file JSON; which keys are known depends on the package
   * @throws InvalidInputException if there is no such package, or it means by the configuration
   *     what cannot be had here
   */
  static ForeignModel read(String packageName, Path file) {
    return switch (packageName) {
      case LinformerPyTorch.NAME -> LinformerPyTorch.read(file);
      case Lucidrains.NAME -> Lucidrains.read(file);
      default ->
          throw new InvalidInputException(
              "--from = %s, but %s or %s is expected"
                  .formatted(packageName, LinformerPyTorch.NAME, Lucidrains.NAME));
    };
  }

  /** The configuration here. */
  ModelConfig config();

  /**
   * The tensors there that make up a weight here, one after the other along its first axis. None if
   * the package has no such weight, and computes as if it were 0.
   */
  List<ForeignTensor> parts(Parameter parameter);

  /** Whether a tensor that stands in the package's files has no part in what the model computes. */
  boolean ignores(String name);

  /** What there is to say of a tensor that is missing: a remark in brackets, or nothing. */
  String whyMissing(String name);
}
