package dev.linformer.ops.internal.kernel;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.linformer.ops.Graphs;
import java.util.Arrays;
import java.util.List;
import java.util.function.BiFunction;
import java.util.function.IntToDoubleFunction;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** What is written, word by word for a small kernel, and what each operation means. */
class KernelTextTest {

  private static final int ROWS = 16;
  private static final int COLUMNS = 32;
  private static final double[] X = Graphs.normal(1, ROWS * COLUMNS);
  private static final double[] Y = Graphs.normal(2, ROWS * COLUMNS);

  /** The exponential function of some values, 16 a program. */
  static String exponentials(int size) {
    KernelText t = new KernelText("exponentials");
    Tile x = t.pointer("f32");
    Tile y = t.pointer("bf16");
    Tile places = t.add(t.range(16), t.multiply(t.programId('x'), t.constant(16))); // [16]
    Tile there = t.less(places, t.constant(size)); // [16]
    t.store(t.offset(y, places), t.exp(t.load(t.offset(x, places), there)), there);
    return t.toString();
  }

  @Test
  void theTextOfASmallKernel() {
    assertEquals(
        """
        module {
        tt.func public @exponentials(%arg0: !tt.ptr<f32> {tt.divisibility = 16 : i32}, %arg1: !tt.ptr<bf16> {tt.divisibility = 16 : i32}) attributes {noinline = false} {
        %v0 = tt.make_range {end = 16 : i32, start = 0 : i32} : tensor<16xi32>
        %v1 = tt.get_program_id x : i32
        %v2 = arith.constant 16 : i32
        %v3 = arith.muli %v1, %v2 : i32
        %v4 = tt.splat %v3 : i32 -> tensor<16xi32>
        %v5 = arith.addi %v0, %v4 : tensor<16xi32>
        %v6 = arith.constant 19 : i32
        %v7 = tt.splat %v6 : i32 -> tensor<16xi32>
        %v8 = arith.cmpi slt, %v5, %v7 : tensor<16xi32>
        %v9 = tt.splat %arg1 : !tt.ptr<bf16> -> tensor<16x!tt.ptr<bf16>>
        %v10 = tt.addptr %v9, %v5 : tensor<16x!tt.ptr<bf16>>, tensor<16xi32>
        %v11 = tt.splat %arg0 : !tt.ptr<f32> -> tensor<16x!tt.ptr<f32>>
        %v12 = tt.addptr %v11, %v5 : tensor<16x!tt.ptr<f32>>, tensor<16xi32>
        %v13 = arith.constant dense<0.00000000e+00> : tensor<16xf32>
        %v14 = tt.load %v12, %v8, %v13 : tensor<16x!tt.ptr<f32>>
        %v15 = math.exp %v14 : tensor<16xf32>
        %v16 = arith.truncf %v15 : tensor<16xf32> to tensor<16xbf16>
        tt.store %v10, %v16, %v8 : tensor<16x!tt.ptr<bf16>>
        tt.return
        }
        }
        """,
        exponentials(19));
  }

  @Test
  void programsShareTheWork() {
    double[] x = Graphs.normal(3, 19);
    Buffer y = Buffer.output("bf16", 19);
    run(exponentials(19), List.of(2, 1, 1), Buffer.input("f32", x), y);
    assertArrayEquals(Arrays.stream(x).map(Math::exp).toArray(), y.values());
  }

  private static void run(String text, List<Integer> grid, Buffer... buffers) {
    KernelInterpreter.run(text, grid, false, Arrays.asList(buffers));
  }

  /** Pointers to [rows,columns]. */
  private static Tile matrix(KernelText t, Tile start, int rows, int columns) {
    Tile row = t.multiply(t.column(t.range(rows)), t.constant(columns)); // [rows,1]
    return t.offset(start, t.add(row, t.row(t.range(columns)))); // [rows,columns]
  }

  /** What a kernel makes of X and Y, both [16,32]. */
  private static double[] made(int size, BiFunction<KernelText, List<Tile>, Tile> kernel) {
    KernelText t = new KernelText("k");
    Tile x = t.load(matrix(t, t.pointer("f32"), ROWS, COLUMNS), null);
    Tile y = t.load(matrix(t, t.pointer("f32"), ROWS, COLUMNS), null);
    Tile output = t.pointer("f32");
    Tile z = kernel.apply(t, List.of(x, y));
    t.store(
        z.shape().size() == 1
            ? t.offset(output, t.range(z.shape().get(0)))
            : matrix(t, output, z.shape().get(0), z.shape().get(1)),
        z,
        null);
    Buffer made = Buffer.output("f32", size);
    run(t.toString(), List.of(1, 1, 1), Buffer.input("f32", X), Buffer.input("f32", Y), made);
    return made.values();
  }

  private static double[] each(int size, IntToDoubleFunction f) {
    return IntStream.range(0, size).mapToDouble(f).toArray();
  }

  private static double sum(int count, IntToDoubleFunction f) {
    double sum = 0; // not a stream's, which has more digits
    for (int i = 0; i < count; i++) {
      sum += f.applyAsDouble(i);
    }
    return sum;
  }

  private static void same(
      IntToDoubleFunction expected, BiFunction<KernelText, List<Tile>, Tile> kernel) {
    assertArrayEquals(each(X.length, expected), made(X.length, kernel));
  }

  @Test
  void valueByValue() {
    same(i -> X[i] + Y[i], (t, x) -> t.add(x.get(0), x.get(1)));
    same(i -> X[i] - Y[i], (t, x) -> t.subtract(x.get(0), x.get(1)));
    same(i -> X[i] * Y[i], (t, x) -> t.multiply(x.get(0), x.get(1)));
    same(i -> X[i] / Y[i], (t, x) -> t.divide(x.get(0), x.get(1)));
    same(i -> Math.max(X[i], Y[i]), (t, x) -> t.maximum(x.get(0), x.get(1)));
    same(i -> Math.min(X[i], Y[i]), (t, x) -> t.minimum(x.get(0), x.get(1)));
    same(i -> Math.exp(X[i]), (t, x) -> t.exp(x.get(0)));
    same(i -> Math.pow(2, X[i]), (t, x) -> t.exp2(x.get(0)));
    same(i -> Math.tanh(X[i]), (t, x) -> t.tanh(x.get(0)));
    same(i -> Math.log(X[i] * X[i]), (t, x) -> t.log(t.multiply(x.get(0), x.get(0))));
    same(i -> (3 * X[i] - 2) * X[i] + 0.5, (t, x) -> t.polynomial(x.get(0), 0.5, -2, 3));
    same(i -> 1 / X[i], (t, x) -> t.reciprocal(x.get(0)));
    same(
        i -> X[i] < Y[i] ? X[i] : 1,
        (t, x) -> t.select(t.less(x.get(0), x.get(1)), x.get(0), t.full(1, ROWS, COLUMNS)));
    same(i -> 1 / Math.abs(X[i]), (t, x) -> t.rsqrt(t.multiply(x.get(0), x.get(0))));
    same(i -> X[i] * 0.25, (t, x) -> t.multiply(x.get(0), t.full(0.25f, ROWS, COLUMNS)));
    same(i -> Float.NEGATIVE_INFINITY, (t, x) -> t.full(Float.NEGATIVE_INFINITY, ROWS, COLUMNS));
  }

  @Test
  void alongAnAxis() {
    assertArrayEquals(
        each(ROWS, i -> sum(COLUMNS, j -> X[i * COLUMNS + j])),
        made(ROWS, (t, x) -> t.sum(x.get(0), 1)));
    assertArrayEquals(
        each(COLUMNS, j -> sum(ROWS, i -> X[i * COLUMNS + j])),
        made(COLUMNS, (t, x) -> t.sum(x.get(0), 0)));
    assertArrayEquals(
        each(ROWS, i -> Arrays.stream(X, i * COLUMNS, (i + 1) * COLUMNS).max().orElseThrow()),
        made(ROWS, (t, x) -> t.max(x.get(0), 1)));
    same(
        i -> X[i] - sum(COLUMNS, j -> X[i / COLUMNS * COLUMNS + j]),
        (t, x) -> t.subtract(x.get(0), t.column(t.sum(x.get(0), 1))));
    same(
        i ->
            Math.max(
                Arrays.stream(X, i / COLUMNS * COLUMNS, (i / COLUMNS + 1) * COLUMNS)
                    .max()
                    .orElseThrow(),
                Y[i]),
        (t, x) -> t.maximum(t.column(t.max(x.get(0), 1)), x.get(1)));
    same(
        i -> X[i] - sum(ROWS, j -> X[j * COLUMNS + i % COLUMNS]),
        (t, x) -> t.subtract(x.get(0), t.row(t.sum(x.get(0), 0))));
  }

  @Test
  void matrices() {
    assertArrayEquals(
        each(X.length, i -> X[i % ROWS * COLUMNS + i / ROWS]),
        made(X.length, (t, x) -> t.transpose(x.get(0))));
    assertArrayEquals(
        each(
            ROWS * ROWS,
            i -> sum(COLUMNS, j -> X[i / ROWS * COLUMNS + j] * Y[i % ROWS * COLUMNS + j])),
        made(ROWS * ROWS, (t, x) -> t.dot(x.get(0), t.transpose(x.get(1)))));
  }

  @Test
  void integers() {
    int[] dividends = IntStream.range(0, 32).map(i -> 5 - i).toArray();
    IntToDoubleFunction expected =
        i -> {
          int x = dividends[i];
          return Math.min(x / 3, x % 3) < -1 && x < -4 ? X[i] : Y[i];
        };
    same(
        i -> i < 32 ? expected.applyAsDouble(i) : Y[i],
        (t, x) -> {
          Tile numbers = t.subtract(t.constant(5), t.range(COLUMNS)); // [32]
          Tile three = t.constant(3);
          Tile least = t.minimum(t.divide(numbers, three), t.rem(numbers, three)); // [32]
          Tile where =
              t.and(t.less(least, t.constant(-1)), t.less(numbers, t.constant(-4))); // [32]
          Tile first = t.less(t.range(ROWS), t.constant(1)); // [16]
          return t.select(t.and(t.row(where), t.column(first)), x.get(0), x.get(1)); // [16,32]
        });
  }

  @Test
  void loopsCarryValues() {
    same(
        i -> {
          double a = X[i];
          double b = Y[i];
          for (int j = 2; j < 13; j += 5) {
            double before = a;
            a = a + b;
            b = before;
          }
          return a - b;
        },
        (t, x) -> {
          List<Tile> after =
              t.loop(
                  t.constant(2),
                  t.constant(13),
                  5,
                  x,
                  (i, ab) -> List.of(t.add(ab.get(0), ab.get(1)), ab.get(0)));
          return t.subtract(after.get(0), after.get(1));
        });
    same(
        i -> X[i],
        (t, x) ->
            t.loop(t.constant(3), t.constant(3), 1, List.of(x.get(0)), (i, a) -> List.of(x.get(1)))
                .get(0));
  }

  @Test
  void bfloat16HasEightDigits() {
    KernelText t = new KernelText("k");
    Tile x = t.load(t.offset(t.pointer("f32"), t.range(4)), null); // [4]
    Tile y = t.pointer("f32");
    t.store(t.offset(y, t.range(4)), t.cast(t.cast(x, "bf16"), "f32"), null);
    Buffer made = Buffer.output("f32", 4);
    Buffer given = Buffer.input("f32", 1 + 1. / 256, 1 + 3. / 256, 1 / 3., -1e-40);
    KernelInterpreter.run(t.toString(), List.of(1, 1, 1), true, List.of(given, made));
    assertArrayEquals(
        new double[] {1, 1 + 4. / 256, 171. / 512, Float.intBitsToFloat(0x80010000)},
        made.values());
  }

  @Test
  void constantsKeepTheirDigits() {
    same(i -> X[i] * (1 / 3f), (t, x) -> t.multiply(x.get(0), t.full(1 / 3f, ROWS, COLUMNS)));
  }
}
