package dev.linformer.ops.internal.kernel;

import static dev.linformer.ops.internal.kernel.KernelInterpreter.require;
import static java.util.Objects.requireNonNull;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.function.DoubleBinaryOperator;
import java.util.function.IntToDoubleFunction;
import java.util.function.IntUnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * A value while a kernel is interpreted, and what can be computed of values.
 *
 * @param data row by row; 0 and 1 for i1, places in the buffer for pointers
 * @param buffer that pointers point into
 */
@SuppressWarnings("ArrayRecordComponent") // never compared
record Block(BlockType type, double[] data, @Nullable Buffer buffer) {

  private static final Map<String, DoubleBinaryOperator> FLOATING =
      Map.of(
          "arith.addf", (a, b) -> a + b,
          "arith.subf", (a, b) -> a - b,
          "arith.mulf", (a, b) -> a * b,
          "arith.divf", (a, b) -> a / b,
          "arith.maxnumf", Math::max,
          "arith.minnumf", Math::min,
          "arith.cmpf", (a, b) -> a < b ? 1 : 0);
  private static final Map<String, DoubleBinaryOperator> INTEGER =
      Map.of(
          "arith.addi", (a, b) -> a + b,
          "arith.subi", (a, b) -> a - b,
          "arith.muli", (a, b) -> a * b,
          "arith.divsi", (a, b) -> (a - a % b) / b,
          "arith.remsi", (a, b) -> a % b,
          "arith.minsi", Math::min,
          "arith.cmpi", (a, b) -> a < b ? 1 : 0);
  private static final int LEAST_OF_DOT = 16;

  static Block of(BlockType type, IntToDoubleFunction each) {
    double[] data = new double[type.size()];
    Arrays.setAll(data, each);
    return new Block(type, data, null);
  }

  /** The same values in other places. */
  private Block moved(List<Integer> shape, IntUnaryOperator from) {
    Block y = of(type.shaped(shape), i -> data[from.applyAsInt(i)]);
    return new Block(y.type, y.data, buffer);
  }

  /** What pointers point into. */
  Buffer target() {
    if (buffer == null) {
      throw new IllegalStateException("no pointers");
    }
    return buffer;
  }

  static boolean isBinary(String operation) {
    return FLOATING.containsKey(operation) || INTEGER.containsKey(operation);
  }

  /** Of two blocks of one type. */
  Block binary(String operation, Block b) {
    boolean floating = FLOATING.containsKey(operation);
    require(floating ? type.floating() : type.integer(), "not for %s", type);
    DoubleBinaryOperator of = requireNonNull((floating ? FLOATING : INTEGER).get(operation));
    Block y =
        of(
            operation.startsWith("arith.cmp") ? type.of("i1") : type,
            i -> of.applyAsDouble(data[i], b.data[i]));
    double most = type.element().equals("i32") ? Integer.MAX_VALUE : 1L << 52;
    boolean fits = floating || Arrays.stream(y.data).allMatch(value -> Math.abs(value) <= most);
    require(fits, "an integer that doesn't fit");
    return y;
  }

  Block and(Block b) {
    require(type.element().equals("i1"), "not for %s", type);
    return of(type, i -> data[i] * b.data[i]);
  }

  /** This is the condition. */
  Block select(Block a, Block b) {
    require(type.equals(a.type.of("i1")), "a condition for each expected");
    return of(a.type, i -> data[i] == 1 ? a.data[i] : b.data[i]);
  }

  Block exp() {
    require(type.floating(), "not for %s", type);
    return of(type, i -> Math.exp(data[i]));
  }

  Block exp2() {
    require(type.floating(), "not for %s", type);
    return of(type, i -> Math.pow(2, data[i]));
  }

  Block tanh() {
    require(type.floating(), "not for %s", type);
    return of(type, i -> Math.tanh(data[i]));
  }

  Block log() {
    require(type.floating(), "not for %s", type);
    return of(type, i -> Math.log(data[i]));
  }

  Block reciprocal() {
    require(type.floating(), "not for %s", type);
    return of(type, i -> 1 / data[i]);
  }

  Block rsqrt() {
    require(type.floating(), "not for %s", type);
    return of(type, i -> 1 / Math.sqrt(data[i]));
  }

  /**
   * The same numbers as another element.
   *
   * @param rounded whether to the digits of bfloat16
   */
  Block as(String from, String element, boolean rounded) {
    require(type.element().equals(from), "not for %s", type);
    return of(type.of(element), i -> rounded ? bfloat16(data[i]) : data[i]);
  }

  /** The nearest number of bfloat16, the even one of two. */
  static double bfloat16(double x) {
    int bits = Float.floatToIntBits((float) x);
    return Float.intBitsToFloat((bits + 0x7fff + ((bits >> 16) & 1)) & 0xffff0000);
  }

  /** Rounded to TensorFloat-32, or as it is. */
  Block tensorFloat32(boolean rounded) {
    require(type.element().equals("f32"), "not for %s", type);
    return of(type, i -> rounded ? tensorFloat32(data[i]) : data[i]);
  }

  /** The nearest number of TensorFloat-32, the greater one of two. */
  static double tensorFloat32(double x) {
    return Float.intBitsToFloat((Float.floatToIntBits((float) x) + 0x1000) & 0xffffe000);
  }

  /** Pointers so many elements further. */
  Block offset(Block elements) {
    require(elements.type.integer(), "integers expected");
    require(elements.type.shape().equals(type.shape()), "an offset for each expected");
    return new Block(type, of(type, i -> data[i] + elements.data[i]).data, buffer);
  }

  Block expand(int axis) {
    List<Integer> shape = new ArrayList<>(type.shape());
    shape.add(axis, 1);
    return moved(shape, i -> i);
  }

  Block splat(List<Integer> shape) {
    require(type.shape().isEmpty(), "a scalar expected");
    return moved(shape, i -> 0);
  }

  Block broadcast(BlockType as) {
    int rows = type.rows();
    int columns = type.columns();
    int width = as.columns();
    require(rows == 1 || rows == as.rows(), "other rows");
    require(columns == 1 || columns == width, "other columns");
    return moved(as.shape(), i -> i / width % rows * columns + i % width % columns);
  }

  Block transposed() {
    int rows = type.rows();
    int columns = type.columns();
    List<Integer> shape = new ArrayList<>(type.shape());
    Collections.reverse(shape);
    return moved(shape, i -> i % rows * columns + i / rows);
  }

  /** All values along an axis, taken together by an operation. */
  Block reduced(String operation, int axis) {
    require(FLOATING.containsKey(operation) && type.floating(), "not for %s", type);
    List<Integer> shape = new ArrayList<>(type.shape());
    int size = shape.remove(axis);
    int stride = shape.subList(axis, shape.size()).stream().reduce(1, Math::multiplyExact);
    DoubleBinaryOperator of = requireNonNull(FLOATING.get(operation));
    return of(
        type.shaped(shape),
        i -> {
          int start = i / stride * stride * size + i % stride;
          double all = data[start];
          for (int j = 1; j < size; j++) {
            all = of.applyAsDouble(all, data[start + j * stride]);
          }
          return all;
        });
  }

  /** This times b, plus c. */
  Block dot(Block b, Block c) {
    int rows = type.rows();
    int inner = type.columns();
    int columns = b.type.columns();
    require(b.type.rows() == inner, "%s columns, %s rows", inner, b.type.rows());
    require(c.type.equals(new BlockType(List.of(rows, columns), "f32")), "not the product's type");
    require(type.floating() && type.element().equals(b.type.element()), "not for these");
    int least = Math.min(Math.min(rows, columns), inner);
    require(least >= LEAST_OF_DOT, "%s is less than %s", least, LEAST_OF_DOT);
    double[] sum = c.data.clone();
    for (int i = 0; i < rows; i++) {
      for (int j = 0; j < inner; j++) {
        double a = data[i * inner + j];
        for (int l = 0; l < columns; l++) {
          sum[i * columns + l] += a * b.data[j * columns + l];
        }
      }
    }
    return new Block(c.type, sum, null);
  }
}
