package dev.linformer.ops;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.tensorflow.Graph;
import org.tensorflow.op.Ops;

class RandomKeyTest {

  private final Graph graph = new Graph();
  private final RandomKey root = new RandomKey(Ops.create(graph).constant(new long[] {3, 5}));

  @AfterEach
  void close() {
    graph.close();
  }

  @Test
  void theSameChainIsTheSameKey() {
    assertEquals(root.fold(2).fold(7), root.fold(2).fold(7));
  }

  /** SplitMix64's; masks of a training that is resumed by another release are the same. */
  @Test
  void foldsAreThoseOfEveryRelease() {
    assertEquals(0xe220a8397b1dcdafL, root.fold(0).salt());
    assertEquals(0x53cb9f0c747ea2eaL, root.fold(5).salt());
    assertEquals(0x50b0a51d04105843L, root.fold(1).fold(3).salt());
  }

  @Test
  void orderCounts() {
    assertNotEquals(root.fold(0).fold(1), root.fold(1).fold(0));
  }

  @Test
  void chainsOfAnyLengthAreAllDifferent() {
    Set<Long> salts = new HashSet<>();
    salts.add(root.salt());
    for (int i = 0; i < 22; i++) {
      RandomKey one = root.fold(i);
      salts.add(one.salt());
      for (int j = 0; j < 22; j++) {
        RandomKey two = one.fold(j);
        salts.add(two.salt());
        for (int k = 0; k < 22; k++) {
          salts.add(two.fold(k).salt());
        }
      }
    }
    assertEquals(1 + 22 + 22 * 22 + 22 * 22 * 22, salts.size());
  }
}
