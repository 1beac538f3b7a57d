package dev.linformer.model.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.linformer.io.InvalidInputException;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class ListOpsBaselinesTest {
  private static List<Example> examples(String... expressions) {
    return Stream.of(expressions)
        .map(ListOps::parse)
        .map(tokens -> new Example(tokens, ListOps.evaluate(tokens)))
        .toList();
  }

  @Test
  void measuresByHand() {
    List<Example> train =
        examples(
            "[MIN 1 2 ]", // 1
            "[MIN 3 1 ]", // 1
            "[MIN 5 [MAX 1 0 ] ]", // 1, literals' minimum 5
            "[MAX 9 2 ]", // 9
            "[MAX 4 [MIN 9 9 ] ]", // 9, literals' maximum 4
            "[MAX 4 [MIN 5 9 ] 2 ]", // 5, literals' maximum 4
            "[MAX 4 [MIN 5 8 ] 2 ]", // 5, literals' maximum 4
            "[SM 2 5 ]", // 7
            "[MAX [MIN 8 9 ] [MIN 3 2 ] ]"); // 8, no literals
    // Labels: 1 three times, 9 and 5 twice, so majority 1; MIN -> 1; MAX -> 5 of 9 5 (tie); SM -> 7
    List<Example> heldOut =
        examples(
            "[MIN 7 1 ]", // 1: majority right, operator right, literals (MIN 1) right
            "[MIN 5 [MAX 0 0 ] ]", // 0: all wrong
            "[MAX 4 [MIN 6 5 ] ]", // 5: operator right, literals (MAX 4 -> 5) right
            "[MAX 9 1 ]", // 9: literals (MAX 9 -> 9) right
            "[MAX 3 5 ]", // 5: operator right; MAX 5 unseen, so literals right as well
            "[MED 1 1 1 ]", // 1: operator unseen, so all three answer the majority: right
            "[SM [MIN 3 3 ] 4 ]", // 7: operator right; SM 4 unseen, so literals right
            "[MAX [MIN 8 8 ] [MIN 1 0 ] ]"); // 8: literals (none -> 8) right
    assertEquals(
        new ListOpsBaselines(2 / 8.0, 5 / 8.0, 7 / 8.0), ListOpsBaselines.measure(train, heldOut));
  }

  @Test
  void refusesWhatHasNoBaseline() {
    List<Example> some = examples("[MIN 1 2 ]");
    assertThrows(InvalidInputException.class, () -> ListOpsBaselines.measure(List.of(), some));
    assertThrows(InvalidInputException.class, () -> ListOpsBaselines.measure(some, List.of()));
    assertThrows(InvalidInputException.class, () -> ListOpsBaselines.measure(some, examples("3")));
  }
}
