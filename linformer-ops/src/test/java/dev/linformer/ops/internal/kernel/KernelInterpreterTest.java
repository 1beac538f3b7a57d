package dev.linformer.ops.internal.kernel;

import static java.util.Objects.requireNonNull;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/** What the interpreter refuses. */
class KernelInterpreterTest {

  private static final List<Integer> ONE = List.of(1, 1, 1);
  private static final List<Integer> TWO = List.of(2, 1, 1);

  private static void refused(String message, String text, List<Integer> grid, Buffer... buffers) {
    assertEquals(
        message,
        assertThrows(
                IllegalStateException.class,
                () -> KernelInterpreter.run(text, grid, false, Arrays.asList(buffers)))
            .getMessage());
  }

  private static Buffer in(int size) {
    return Buffer.input("f32", new double[size]);
  }

  private static Buffer out(int size) {
    return Buffer.output("bf16", size);
  }

  @Test
  void accessesOutsideOfABuffer() {
    String text = KernelTextTest.exponentials(19);
    refused(
        "value 18 of 18 in line 17 of program [1, 0, 0]: %v14 = tt.load %v12, %v8, %v13 : tensor<16x!tt.ptr<f32>>",
        text, TWO, in(18), out(19));
    refused(
        "value 18 of 18 in line 20 of program [1, 0, 0]: tt.store %v10, %v16, %v8 : tensor<16x!tt.ptr<bf16>>",
        text, TWO, in(19), out(18));
    refused(
        "value 19 of 19 in line 17 of program [1, 0, 0]: %v14 = tt.load %v12 : tensor<16x!tt.ptr<f32>>",
        text.replace("%v12, %v8, %v13", "%v12"), TWO, in(19), out(19));
  }

  @Test
  void outputsThatAreNotWrittenOnce() {
    String text = KernelTextTest.exponentials(19);
    refused("value 16 of 19 is not written", text, ONE, in(19), out(19));
    refused("value 19 of 20 is not written", text, TWO, in(19), out(20));
    refused(
        "value 0 is written twice in line 20 of program [0, 1, 0]: tt.store %v10, %v16, %v8 : tensor<16x!tt.ptr<bf16>>",
        text, List.of(2, 2, 1), in(19), out(19));
    refused(
        "an output is read in line 17 of program [0, 0, 0]: %v14 = tt.load %v12, %v8, %v13 : tensor<16x!tt.ptr<f32>>",
        text, TWO, Buffer.output("f32", 19), out(19));
    refused(
        "an input is written in line 20 of program [0, 0, 0]: tt.store %v10, %v16, %v8 : tensor<16x!tt.ptr<bf16>>",
        text, TWO, in(19), Buffer.input("bf16", new double[19]));
  }

  /** The message without the place, of a text in which something is replaced. */
  private static void refused(String message, String from, String to) {
    String text = KernelTextTest.exponentials(19);
    String changed = text.replace(from, to);
    assertEquals(false, text.equals(changed), from);
    var refusal =
        assertThrows(
            IllegalStateException.class,
            () -> KernelInterpreter.run(changed, TWO, false, List.of(in(19), out(19))));
    assertEquals(message, requireNonNull(refusal.getMessage()).replaceAll(" in line .*", ""));
  }

  @Test
  void typesThatAreNotThoseOfTheValues() {
    refused(
        "%v14 is BlockType[shape=[16], element=f32]",
        "math.exp %v14 : tensor<16xf32>", "math.exp %v14 : tensor<16xbf16>");
    refused(
        "%v16 is BlockType[shape=[16], element=bf16]", "to tensor<16xbf16>", "to tensor<16xf32>");
    refused(
        "%v4 is BlockType[shape=[16], element=i32]",
        "arith.addi %v0, %v4 : tensor<16xi32>", "arith.addi %v3, %v4 : i32");
    refused("%v15 is BlockType[shape=[16], element=f32]", "%v10, %v16", "%v10, %v15");
    refused(
        "%arg1 is BlockType[shape=[], element=!tt.ptr<bf16>]",
        "%arg1: !tt.ptr<bf16>", "%arg1: !tt.ptr<f32>");
    refused("not for BlockType[shape=[16], element=i32]", "arith.addi", "arith.addf");
    refused("not powers of two: [24]", "tensor<16xi32>", "tensor<24xi32>");
    refused("no type: f64", "tensor<16xf32>", "tensor<16xf64>");
  }

  @Test
  void otherTexts() {
    refused("%v17 is not defined", "%v10, %v16", "%v10, %v17");
    refused("%v0 is there already", "%v1 = ", "%v0 = ");
    refused("no such operation", "math.exp", "math.sin");
    refused("not understood", "slt, ", "sgt, ");
    refused("no type: i32}", " : tensor<16xi32>", "");
    refused("2 operands", "math.exp %v14", "math.exp %v14, %v14");
    refused("no end", "tt.return\n}", "tt.return\n");
    refused("no module", "module", "func");
    refused("1 arguments", ", %arg1: !tt.ptr<bf16> {tt.divisibility = 16 : i32}", "");
  }

  private static void refused(String message, Consumer<KernelText> kernel) {
    KernelText t = new KernelText("k");
    kernel.accept(t);
    var refusal =
        assertThrows(
            IllegalStateException.class,
            () -> KernelInterpreter.run(t.toString(), ONE, false, List.of()));
    assertEquals(message, requireNonNull(refusal.getMessage()).replaceAll(" in line .*", ""));
  }

  @Test
  void whatDoesNotFit() {
    refused("8 is less than 16", t -> t.dot(t.full(1, 16, 8), t.full(1, 8, 32)));
    refused("8 is less than 16", t -> t.dot(t.full(1, 16, 32), t.full(1, 32, 8)));
    refused("32 columns, 16 rows", t -> t.dot(t.full(1, 32, 32), t.full(1, 16, 16)));
    refused("not for these", t -> t.dot(t.cast(t.full(1, 16, 16), "bf16"), t.full(1, 16, 16)));
    refused(
        "an integer that doesn't fit", t -> t.multiply(t.constant(1 << 16), t.constant(1 << 15)));
    refused("other rows", t -> t.add(t.full(1, 16, 16), t.full(1, 32, 16)));
    Tile[] inside = new Tile[1];
    refused(
        "%v4 is not defined",
        t -> {
          Tile one = t.constant(1);
          t.loop(
              t.constant(0),
              one,
              1,
              List.of(one),
              (i, x) -> {
                inside[0] = t.add(i, one);
                return x;
              });
          t.add(inside[0], one);
        });
  }
}
