package dev.linformer.model.train;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.linformer.model.JsonKeys;
import dev.linformer.model.ModelDirectory;
import dev.linformer.model.Variables;
import dev.linformer.model.weights.WeightFile;
import dev.linformer.model.weights.WholeFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import org.tensorflow.Session;
import org.tensorflow.types.TFloat32;

/**
 * The checkpoints of a training, a folder each: weights, optimizer's slots and state. A checkpoint
 * is written aside and renamed when it is complete, so each one there can be used; older ones but
 * the best are deleted after that.
 */
final class CheckpointStore {

  private static final String PREFIX = "step-";
  private static final Pattern NAME = Pattern.compile(PREFIX + "\\d{8,18}");
  private static final String WEIGHTS = "model.safetensors";
  private static final String SLOTS = "optimizer.safetensors";
  private static final String STATE = "trainer_state.json";

  private final Path folder;
  private final int keep;

  /**
   * @param keep how many of the newest stay, besides the best
   */
  CheckpointStore(Path folder, int keep) {
    this.folder = folder;
    this.keep = keep;
  }

  /** Writes a checkpoint of the session's variables, and returns its folder. */
  Path save(
      Session session, Variables<TFloat32> weights, Variables<TFloat32> slots, TrainingState state)
      throws IOException {
    ObjectNode json = state.toJson();
    Files.createDirectories(folder);
    Path checkpoint = folder(state.step());
    WholeFile.writeFolder(
        checkpoint,
        aside -> {
          WeightFile.save(session, weights.weights(), aside.resolve(WEIGHTS));
          WeightFile.save(session, slots.weights(), aside.resolve(SLOTS));
          ModelDirectory.writeJson(aside.resolve(STATE), json);
        });
    Path best = state.best().map(measured -> folder(measured.step())).orElse(checkpoint);
    List<Path> all = newestFirst();
    for (Path old : all.subList(Math.min(keep, all.size()), all.size())) {
      if (!old.equals(best)) {
        WholeFile.delete(old);
      }
    }
    return checkpoint;
  }

  private Path folder(int step) {
    return folder.resolve(PREFIX + "%08d".formatted(step));
  }

  /** The weights of a step's checkpoint. */
  Path weights(int step) {
    return folder(step).resolve(WEIGHTS);
  }

  /** Deletes what a killed process was writing. */
  void clean() throws IOException {
    if (Files.isDirectory(folder)) {
      try (var entries = Files.list(folder)) {
        for (Path entry : (Iterable<Path>) entries::iterator) {
          if (entry.getFileName().toString().startsWith("." + PREFIX)) {
            WholeFile.delete(entry);
          }
        }
      }
    }
  }

  /** The newest checkpoint's folder, if there is one. */
  Optional<Path> newest() throws IOException {
    return newestFirst().stream().findFirst();
  }

  /** Gives the session's variables the values of a checkpoint, and returns its state. */
  static TrainingState restore(
      Path checkpoint, Session session, Variables<TFloat32> weights, Variables<TFloat32> slots)
      throws IOException {
    WeightFile.load(session, weights.weights(), checkpoint.resolve(WEIGHTS));
    WeightFile.load(session, slots.weights(), checkpoint.resolve(SLOTS));
    return TrainingState.parse(JsonKeys.read(checkpoint.resolve(STATE)));
  }

  private List<Path> newestFirst() throws IOException {
    if (!Files.isDirectory(folder)) {
      return List.of();
    }
    try (var entries = Files.list(folder)) {
      return entries
          .filter(path -> NAME.matcher(path.getFileName().toString()).matches())
          .sorted(Comparator.comparingLong(CheckpointStore::step).reversed())
          .toList();
    }
  }

  private static long step(Path checkpoint) {
    return Long.parseLong(checkpoint.getFileName().toString().replace(PREFIX, ""));
  }
}
