package dev.linformer.model.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.linformer.io.InvalidInputException;
import dev.linformer.model.data.ListOps.Settings;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ListOpsTest {
  private static final Settings SMALL = new Settings(7, 53, 5, 4);
  private static final Settings LRA = Settings.LONG_RANGE_ARENA;

  private static List<Example> generate(Settings settings, int count, long seed) {
    return ListOps.generate(settings, count, seed, example -> false);
  }

  @ParameterizedTest
  @CsvSource({
    "7,                                    7",
    "[MIN 4 7 ],                           4",
    "[MAX 2 9 [MIN 4 7 ] 0 ],              9",
    "[MED 1 2 ],                           1", // 1.5
    "[MED 9 0 5 ],                         5",
    "[MED 9 0 4 7 ],                       5", // 5.5
    "[MED 8 2 ],                           5",
    "[SM 9 9 9 ],                          7",
    "[SM [SM 5 5 ] [MAX 1 3 ] ],           3",
    "[MED [MIN 9 8 ] [SM 6 6 ] [MED 3 4 ] ], 3",
    "[MAX [MIN [SM 9 2 ] 3 ] [MED 0 1 2 ] ], 1",
    "[MIN 3 ],                             3"
  })
  void evaluates(String expression, int value) {
    assertEquals(value, ListOps.evaluate(ListOps.parse(expression)));
  }

  @Test
  void printsAndReadsTokens() {
    int[] tokens = {12, 3, 10, 11, 5, 8, 15, 1, 15};
    assertEquals("[MAX 2 9 [MIN 4 7 ] 0 ]", ListOps.text(tokens));
    assertArrayEquals(tokens, ListOps.parse(" [MAX 2 9 [MIN  4 7 ]\n0 ]"));
    assertRefused("token 16", () -> ListOps.text(new int[] {16}));
    assertRefused("token -1", () -> ListOps.text(new int[] {-1}));
  }

  @ParameterizedTest
  @CsvSource({
    "'',              '' is none of",
    "[MAX 1 x ],      'x' is none of",
    "<pad>,           '<pad>' is none of",
    "],               ] at position 0 cannot stand there",
    "[MAX ],          ] at position 1 cannot stand there",
    "[MAX 1 2,        a bracket is open at its end",
    "1 2,             it ends at position 0",
    "[MAX 1 2 ] ],    it ends at position 3",
  })
  void refusesWhatIsNoExpression(String text, String message) {
    assertRefused(message, () -> ListOps.parse(text));
  }

  @Test
  void refusesPaddedTokens() {
    assertRefused("<pad> at position 1", () -> ListOps.evaluate(new int[] {11, 0, 15}));
  }

  @Test
  void labelsAreTheValuesAndLengthsInBounds() {
    int operators = 0;
    for (Example example : generate(SMALL, 2000, 3)) {
      int[] tokens = example.tokens();
      assertEquals(ListOps.evaluate(tokens), example.label(), example::toString);
      assertTrue(tokens.length > 7 && tokens.length < 53);
      assertArrayEquals(tokens, ListOps.parse(ListOps.text(tokens)));
      operators |= 1 << tokens[0];
      checkShape(tokens, 4, 4);
    }
    assertEquals(0b1111 << 11, operators);
  }

  @Test
  void lengthsReachTheirStrictBounds() {
    Set<Integer> lengths = new HashSet<>();
    generate(new Settings(4, 8, 3, 5), 2000, 1).forEach(example -> lengths.add(example.length()));
    assertEquals(Set.of(5, 6, 7), lengths);
  }

  @Test
  void longRangeArenaHasItsPublishedStatistics() {
    List<Example> examples = generate(LRA, 10_000, 17);
    int[] lengths = examples.stream().mapToInt(Example::length).sorted().toArray();
    // Standard deviation 395, so that of the mean is 4.
    assertEquals(1039, Arrays.stream(lengths).average().orElseThrow(), 12);
    assertEquals(961, lengths[lengths.length / 2], 20);
    assertEquals(540, lengths[lengths.length / 20], 10);
    assertEquals(1805, lengths[lengths.length / 20 * 19], 25);
    // That of a share of 17 % is 0.4 points, of 9 % 0.3.
    assertEquals(0.170, shareOf(examples, 0), 0.012);
    assertEquals(0.168, shareOf(examples, 9), 0.012);
    assertEquals(0.09, shareOf(examples, 4), 0.01);
    for (int label : new int[] {1, 2, 3, 5, 6, 7, 8}) {
      assertEquals(0.0825, shareOf(examples, label), 0.0175);
    }
    for (Example example : examples.subList(0, 1500)) {
      assertEquals(ListOps.evaluate(example.tokens()), example.label());
      assertTrue(example.length() > 500 && example.length() < 2000);
      checkShape(example.tokens(), 9, 10);
    }
  }

  @Test
  void aSeedGivesTheSameExpressionsAndNoneTwice() {
    List<Example> examples = generate(SMALL, 500, 7);
    assertEquals(examples, generate(SMALL, 500, 7));
    assertEquals(examples.subList(0, 100), generate(SMALL, 100, 7));
    assertEquals(500, new HashSet<>(examples).size());
    assertNotEquals(examples, generate(SMALL, 500, 8));
  }

  /** Holds the generator to its sequence: a changed draw would change every recorded result. */
  @Test
  void seedOneBeginsAsRecorded() {
    assertEquals(
        "[MAX 5 2 [MED [MIN 7 8 ] [MAX 9 3 ] 7 ] ]",
        ListOps.text(generate(new Settings(7, 20, 4, 3), 1, 1).get(0).tokens()));
  }

  @Test
  void leavesOutWhatIsAskedFor() {
    Set<Example> first = new HashSet<>(generate(SMALL, 300, 7));
    List<Example> second = ListOps.generate(SMALL, 300, 7, first::contains);
    assertEquals(300, second.size());
    assertTrue(second.stream().noneMatch(first::contains));
  }

  @Test
  void findsAllExpressionsAndSaysWhenThereAreNoMore() {
    Settings pairs = new Settings(3, 5, 2, 2); // an operator on two digits: 4 * 10 * 10
    assertEquals(400, generate(pairs, 400, 2).size());
    assertRefused(
        "yield 400 different expressions, and 401 are asked for", () -> generate(pairs, 401, 2));
    assertRefused("yield 0 different", () -> generate(new Settings(500, 600, 2, 9), 1, 2));
    assertRefused("-1 expressions", () -> generate(pairs, -1, 2));
  }

  @ParameterizedTest
  @CsvSource({"0,10,5,5", "4,5,5,5", "1,4,5,5", "1,10,1,5", "1,10,5,1", "1,-2147483648,5,5"})
  void refusesSettingsWithoutExpressions(int min, int max, int depth, int arguments) {
    assertRefused(min + " < length < " + max, () -> new Settings(min, max, depth, arguments));
  }

  @ParameterizedTest
  @ValueSource(longs = {0, 1, -5})
  void splitsAreDisjoint(long seed) {
    ListOpsSplits splits = ListOpsSplits.generate(SMALL, 400, 60, 50, seed);
    assertEquals(400, splits.train().size());
    assertEquals(60, splits.validation().size());
    assertEquals(50, splits.test().size());
    Set<Example> all = new HashSet<>(splits.train());
    all.addAll(splits.validation());
    all.addAll(splits.test());
    assertEquals(510, all.size());
    assertEquals(splits, ListOpsSplits.generate(SMALL, 400, 60, 50, seed));
    ListOpsSplits fewer = ListOpsSplits.generate(SMALL, 40, 60, 50, seed);
    assertEquals(splits.validation(), fewer.validation());
    assertEquals(splits.test(), fewer.test());
  }

  @Test
  void baselinesOfLongRangeArenaAreAsPublished() {
    ListOpsSplits splits = ListOpsSplits.generate(LRA, 4000, 0, 2000, 23);
    ListOpsBaselines baselines = ListOpsBaselines.measure(splits.train(), splits.test());
    assertEquals(0.170, baselines.majority(), 0.04);
    assertEquals(0.363, baselines.rootOperator(), 0.04);
    assertEquals(0.487, baselines.rootLiterals(), 0.04);
  }

  /** Operators nest no deeper and have no more arguments than allowed, and at least two. */
  private static void checkShape(int[] tokens, int deepest, int most) {
    int depth = 0;
    int[] arguments = new int[deepest + 2];
    for (int token : tokens) {
      if (token == ListOps.CLOSE) {
        assertTrue(arguments[depth] >= 2 && arguments[depth] <= most);
        depth--;
      } else {
        arguments[depth]++;
        if (ListOps.isOperator(token)) {
          depth++;
          assertTrue(depth <= deepest);
          arguments[depth] = 0;
        }
      }
    }
    assertEquals(0, depth);
  }

  private static double shareOf(List<Example> examples, int label) {
    long count = examples.stream().filter(example -> example.label() == label).count();
    return (double) count / examples.size();
  }

  private static void assertRefused(String message, Executable action) {
    InvalidInputException e = assertThrows(InvalidInputException.class, action);
    assertTrue(String.valueOf(e.getMessage()).contains(message), e.getMessage());
  }
}
