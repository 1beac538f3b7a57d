package dev.linformer.model.internal.weights;

import java.util.Arrays;
import java.util.Random;

/** Files that a disk or a transfer has spoilt. */
final class Damage {

  private Damage() {}

  /** A copy with one bit turned, or, every second time, cut off somewhere. */
  static byte[] of(byte[] whole, Random random, int time) {
    if (time % 2 != 0) {
      return Arrays.copyOf(whole, random.nextInt(whole.length));
    }
    byte[] damaged = whole.clone();
    damaged[random.nextInt(damaged.length)] ^= (byte) (1 << random.nextInt(8));
    return damaged;
  }
}
