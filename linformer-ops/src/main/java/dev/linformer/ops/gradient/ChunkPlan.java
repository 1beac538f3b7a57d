package dev.linformer.ops.gradient;

/**
 * How a segment is cut into parts that are computed one after another.
 *
 * @param units what is cut: positions of a sequence, or heads
 * @param perPart units of a part; the last part may have fewer
 * @param outputAxis along which the parts' outputs are put together; {@link #SUM} if they are added
 */
public record ChunkPlan(long units, long perPart, int outputAxis) {

  /** The parts' outputs are added. */
  public static final int SUM = -1;

  /** One part, the whole. */
  static final ChunkPlan ONE = new ChunkPlan(1, 1, SUM);

  /** Checks that there is something to cut. */
  public ChunkPlan {
    if (units < 1 || perPart < 1) {
      throw new IllegalArgumentException(
          "Parts: at least 1 unit and 1 a part expected, found %s and %s"
              .formatted(units, perPart));
    }
  }

  /** Their number. */
  public int count() {
    return Math.toIntExact((units + perPart - 1) / perPart);
  }

  /** The first unit of a part. */
  long from(int part) {
    return part * perPart;
  }

  /** Units of a part. */
  long length(int part) {
    return Math.min(perPart, units - from(part));
  }
}
