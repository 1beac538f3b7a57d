package dev.linformer.model.train;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.linformer.io.InvalidInputException;
import dev.linformer.io.internal.AtomicFolder;
import dev.linformer.io.internal.JsonObjectReader;
import dev.linformer.model.ModelDirectory;
import dev.linformer.model.Variables;
import dev.linformer.model.WeightFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.function.Consumer;
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
    AtomicFolder.write(
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
        AtomicFolder.delete(old);
      }
    }
    return checkpoint;
  }

  private Path folder(int step) {
    return folder.resolve(PREFIX + String.format(Locale.ROOT, "%08d", step));
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
            AtomicFolder.delete(entry);
          }
        }
      }
    }
  }

  /**
   * Gives the session's variables the values of the newest checkpoint that is whole, and returns
   * its state; where there is no checkpoint at all, {@link TrainingState#START}. Newer ones that
   * are not whole are put aside under other names.
   *
   * @param notices hears what was put aside
   * @throws InvalidInputException if there are checkpoints, and none is whole
   */
  TrainingState restore(
      Session session,
      Variables<TFloat32> weights,
      Variables<TFloat32> slots,
      Consumer<String> notices)
      throws IOException {
    List<Path> all = newestFirst();
    List<String> reasons = new ArrayList<>();
    for (Path checkpoint : all) {
      try {
        TrainingState state = restore(checkpoint, session, weights, slots);
        for (int i = 0; i < reasons.size(); i++) {
          putAside(all.get(i), reasons.get(i), state, notices);
        }
        return state;
      } catch (NoSuchFileException e) {
        reasons.add(e.getMessage() + ": no such file");
      } catch (InvalidInputException | IOException e) {
        reasons.add(String.valueOf(e.getMessage()));
      }
    }
    if (!all.isEmpty()) {
      throw new InvalidInputException(
          reasons.get(0)
              + (all.size() == 1
                  ? "; there is no older checkpoint"
                  : "; of the older checkpoints, %s, none can be used either"
                      .formatted(all.size() - 1)));
    }
    return TrainingState.START;
  }

  private static void putAside(
      Path checkpoint, String reason, TrainingState state, Consumer<String> notices)
      throws IOException {
    String name = checkpoint.getFileName() + ".damaged";
    Path aside = checkpoint.resolveSibling(name);
    AtomicFolder.delete(aside);
    Files.move(checkpoint, aside);
    notices.accept(
        "the checkpoint %s cannot be used (%s); it is %s now, and the training goes on from step %s"
            .formatted(checkpoint, reason, name, state.step()));
  }

  private static TrainingState restore(
      Path checkpoint, Session session, Variables<TFloat32> weights, Variables<TFloat32> slots)
      throws IOException {
    TrainingState state = TrainingState.parse(JsonObjectReader.read(checkpoint.resolve(STATE)));
    if (state.step() != step(checkpoint)) {
      throw new InvalidInputException(
          "%s: global_step = %s, but %s is expected"
              .formatted(checkpoint.resolve(STATE), state.step(), step(checkpoint)));
    }
    WeightFile.load(session, weights.weights(), checkpoint.resolve(WEIGHTS));
    WeightFile.load(session, slots.weights(), checkpoint.resolve(SLOTS));
    return state;
  }

  /** The folders of all checkpoints. */
  List<Path> newestFirst() throws IOException {
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
