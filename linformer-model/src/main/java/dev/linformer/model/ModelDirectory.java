package dev.linformer.model;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.linformer.io.InvalidInputException;
import dev.linformer.io.internal.AtomicFile;
import dev.linformer.io.internal.AtomicFolder;
import dev.linformer.io.internal.FileProblem;
import dev.linformer.io.internal.RegularFile;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A folder with a model in it: config.json and model.safetensors, and from training
 * trainer_state.json, checkpoints/ and saved_model/.
 *
 * @param path the folder
 */
public record ModelDirectory(Path path) {

  /** Fills a new model directory. */
  public interface Content {
    /** Writes its files. */
    void writeTo(ModelDirectory directory) throws IOException;
  }

  private static final ObjectMapper JSON =
      new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);

  /**
   * A model that is there.
   *
   * @throws InvalidInputException if the folder or one of its two files is missing
   */
  public static ModelDirectory open(Path path) {
    if (!Files.isDirectory(path)) {
      throw new InvalidInputException(path + ": no such folder");
    }
    ModelDirectory directory = new ModelDirectory(path);
    for (Path file : new Path[] {directory.configFile(), directory.weightsFile()}) {
      if (!Files.exists(file)) {
        throw new InvalidInputException(
            "%s is no model directory: %s is missing".formatted(path, file.getFileName()));
      }
      RegularFile.require("", file);
    }
    return directory;
  }

  /**
   * A folder for a new model, made if it isn't there. What is there already is never overwritten.
   *
   * @throws InvalidInputException if something else is there, or no folder can be made
   */
  public static ModelDirectory create(Path path) {
    ModelDirectory directory = new ModelDirectory(path);
    if (Files.exists(path) && !Files.isDirectory(path)) {
      throw new InvalidInputException(path + " is a file; name a new or empty folder");
    }
    try {
      Files.createDirectories(path);
      try (var entries = Files.list(path)) {
        // What a training that was refused leaves is nothing.
        if (entries.anyMatch(entry -> !entry.equals(directory.lockFile()))) {
          throw new InvalidInputException(
              Files.exists(directory.configFile())
                  ? path + " holds a model already; name a new or empty folder"
                  : path + " is not empty and holds no model of ours; name a new or empty folder");
        }
      }
      Files.delete(Files.createTempFile(path, ".write", ".test"));
    } catch (IOException e) {
      throw new InvalidInputException(
          "%s: cannot write there (%s); name a folder that you may write to"
              .formatted(path, FileProblem.words(e)),
          e);
    }
    return directory;
  }

  /**
   * Makes a model directory as {@link #create(Path)} does, and fills it. A failure leaves nothing
   * behind.
   *
   * @throws InvalidInputException if something else is there, or no folder can be made
   */
  public static void create(Path path, Content content) throws IOException {
    boolean existed = Files.exists(path);
    ModelDirectory directory = create(path);
    boolean complete = false;
    try {
      content.writeTo(directory);
      complete = true;
    } finally {
      if (!complete) {
        directory.takeBack(existed);
      }
    }
  }

  /**
   * Deletes what was written since the directory was made.
   *
   * @param existed whether there was an empty folder before, which stays
   */
  public void takeBack(boolean existed) throws IOException {
    if (!existed) {
      AtomicFolder.delete(path);
      return;
    }
    try (var entries = Files.list(path)) {
      for (Path each : (Iterable<Path>) entries::iterator) {
        AtomicFolder.delete(each);
      }
    }
  }

  /** The configuration in config.json. */
  public ModelConfig config() {
    return ModelConfig.read(configFile());
  }

  /** Writes config.json. */
  public void writeConfig(ModelConfig config) throws IOException {
    writeJson(configFile(), config.toJson());
  }

  /** Writes a JSON file whole, in lines that people can read. */
  public static void writeJson(Path file, ObjectNode json) throws IOException {
    try {
      String text = JSON.writeValueAsString(json) + System.lineSeparator();
      AtomicFile.write(file, text.getBytes(StandardCharsets.UTF_8));
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a tree of JSON nodes can always be written", e);
    }
  }

  /** config.json. */
  public Path configFile() {
    return path.resolve("config.json");
  }

  /** model.safetensors. */
  public Path weightsFile() {
    return path.resolve("model.safetensors");
  }

  /** trainer_state.json. */
  public Path trainerStateFile() {
    return path.resolve("trainer_state.json");
  }

  /** log.jsonl. */
  public Path logFile() {
    return path.resolve("log.jsonl");
  }

  /** .training.lock, which a training that is under way has locked. */
  public Path lockFile() {
    return path.resolve(".training.lock");
  }

  /** The folder of a training's checkpoints. */
  public Path checkpoints() {
    return path.resolve("checkpoints");
  }

  /** The folder of the exported versions of the model. */
  public Path savedModel() {
    return path.resolve("saved_model");
  }
}
