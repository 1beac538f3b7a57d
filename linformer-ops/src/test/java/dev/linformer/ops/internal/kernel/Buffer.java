package dev.linformer.ops.internal.kernel;

import static dev.linformer.ops.internal.kernel.KernelInterpreter.require;

import java.util.BitSet;

/** What an argument of an interpreted kernel points to: an input, or an output. */
public final class Buffer {

  private final String element;
  private final double[] values;
  private final boolean output;
  private final BitSet written = new BitSet();

  private Buffer(String element, double[] values, boolean output) {
    this.element = element;
    this.values = values;
    this.output = output;
  }

  /** What a kernel reads. */
  public static Buffer input(String element, double... values) {
    return new Buffer(element, values, false);
  }

  /** What a kernel writes. */
  public static Buffer output(String element, long size) {
    return new Buffer(element, new double[Math.toIntExact(size)], true);
  }

  /** What has been written, or what is read. */
  public double[] values() {
    return values;
  }

  String element() {
    return element;
  }

  private int place(double place) {
    require(place >= 0 && place < values.length, "value %.0f of %s", place, values.length);
    return (int) place;
  }

  double load(double place) {
    require(!output, "an output is read");
    return values[place(place)];
  }

  void store(double place, double value) {
    require(output, "an input is written");
    int at = place(place);
    require(!written.get(at), "value %s is written twice", at);
    written.set(at);
    values[at] = value;
  }

  void requireWritten() {
    int gap = written.nextClearBit(0);
    require(!output || gap >= values.length, "value %s of %s is not written", gap, values.length);
  }
}
