package dev.linformer.export;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.linformer.export.ExportOptions.Lengths;
import dev.linformer.model.LinformerClassifierConfig;
import dev.linformer.model.LinformerConfig;
import dev.linformer.model.LinformerConfigBuilder;
import dev.linformer.model.LinformerEncDecConfig;
import dev.linformer.model.LinformerLMConfig;
import dev.linformer.model.LinformerLMConfig.Positions;
import dev.linformer.model.ModelConfig;
import dev.linformer.model.ModelDirectory;
import dev.linformer.model.ParameterSharing;
import dev.linformer.model.ProjectionMethod;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * A SavedModel, without its model card, has at most 100 KiB more than the weights file, also of
 * twelve layers with every signature, masks and any length; of an encoder-decoder those of the
 * pass, or encode and decode.
 */
class ExportSizeTest {

  private static final int DEPTH = 12;
  private static final long MORE = 100 * 1024;

  @TempDir private Path folder = Path.of("");

  private static LinformerConfigBuilder stack() {
    return ModelZoo.stack().depth(DEPTH);
  }

  /** Decoding is a graph of its own on the same weights; every layer and head has its own E, F. */
  @Test
  void ofACausalLanguageModel() throws IOException {
    isSmall(
        ModelZoo.languageModel(
            stack().causal(true).parameterSharing(ParameterSharing.NONE).build(),
            Positions.LEARNED),
        List.of("serving_default", "embeddings", "attention", "decode"));
  }

  @ParameterizedTest
  @EnumSource(ProjectionMethod.class)
  void ofAClassifier(ProjectionMethod method) throws IOException {
    LinformerConfig encoder =
        stack()
            .projectionMethod(method)
            .parameterSharing(ParameterSharing.HEADWISE)
            .preNorm(true)
            .build();
    isSmall(
        LinformerClassifierConfig.builder(encoder, ModelZoo.VOCABULARY, 7)
            .tokenDropout(0.5)
            .build(),
        List.of("serving_default", "embeddings", "attention"));
  }

  /** Twelve layers on both sides. */
  @Test
  void ofAnEncoderAndDecoder() throws IOException {
    LinformerConfig source =
        LinformerConfig.builder(13, 16, 5)
            .heads(2)
            .headDim(7)
            .feedForwardDim(11)
            .depth(DEPTH)
            .build();
    ModelConfig config =
        new LinformerEncDecConfig(
            LinformerLMConfig.builder(source, 23)
                .embeddingDim(ModelZoo.CHANNELS)
                .tokenDropout(0.5)
                .returnEmbeddings(true)
                .build(),
            ModelZoo.languageModel(
                stack().decoderMode(true).causal(true).build(), Positions.SINUSOID));
    isSmall(config, List.of("serving_default", "embeddings", "attention"));
    isSmall(
        config,
        List.of("encode", "decode"),
        ExportOptions.savedModel().withSignatures(SignatureName.ENCODE, SignatureName.DECODE));
  }

  private void isSmall(ModelConfig config, List<String> signatures) throws IOException {
    isSmall(config, signatures, ExportOptions.savedModel());
  }

  private void isSmall(ModelConfig config, List<String> signatures, ExportOptions options)
      throws IOException {
    Path here = Files.createTempDirectory(folder, "model");
    ModelDirectory model = Models.save(config, 1, here.resolve("model"));
    Path version =
        ModelExporter.export(model, here.resolve("export"), options.withLengths(Lengths.ANY));
    assertEquals(signatures, ManifestCheck.read(version).signatures());
    long card = Files.size(version.resolve(ModelCard.NAME));
    long more = Models.bytes(version) - card - Files.size(model.weightsFile());
    assertTrue(more <= MORE, more + " bytes more than the weights, above " + MORE);
  }
}
