package dev.linformer.model.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.linformer.io.internal.JsonObjectReader;
import dev.linformer.model.train.TrainingState.HistoryEntry;
import dev.linformer.model.train.TrainingState.Measured;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class TrainingStateTest {

  private static TrainingState measured(double... losses) {
    TrainingState state = TrainingState.START;
    for (int i = 0; i < losses.length; i++) {
      state = state.with(new Measured(10 * (i + 1), losses[i], 0.5));
    }
    return state;
  }

  @Test
  void theBestIsTheFirstWithTheLowestLoss() {
    assertEquals(Optional.empty(), TrainingState.START.best());
    assertEquals(0, TrainingState.START.sinceBest());
    assertEquals(new Measured(20, 1, 0.5), measured(3, 1, 2, 1).best().orElseThrow());
    assertEquals(2, measured(3, 1, 2, 1).sinceBest());
    assertEquals(0, measured(3, 2, 1).sinceBest());
  }

  @Test
  void stepsAndTokensAddUp() {
    TrainingState state = TrainingState.START.next(17).next(13);
    assertEquals(new TrainingState(2, 30, List.of(), List.of()), state);
  }

  @Test
  void jsonAndBack() {
    TrainingState state =
        measured(3, 1, 2)
            .next(17)
            .with(new HistoryEntry(1, 2.5, 0.25, 0.125, 8))
            .with(new Measured(7, 5, 1));
    ObjectNode json = state.toJson();
    assertEquals(state, TrainingState.parse(new JsonObjectReader("json", json)));
    assertEquals(20, json.get("best_global_step").intValue());
    json.remove("eval_history"); // as before there were measurements
    assertTrue(TrainingState.parse(new JsonObjectReader("json", json)).evaluations().isEmpty());
  }
}
