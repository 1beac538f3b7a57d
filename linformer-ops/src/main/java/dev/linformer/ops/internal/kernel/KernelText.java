package dev.linformer.ops.internal.kernel;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.function.BiFunction;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Writes the body of a kernel, operation by operation, as Triton IR (the dialect {@code tt} of
 * MLIR). Operands of unlike shapes are made alike first: scalars are repeated, and axes of length
 * 1.
 */
public final class KernelText {

  private final String name;
  private final List<String> arguments = new ArrayList<>();
  private final StringBuilder body = new StringBuilder();
  private int next;

  /**
   * @param name of the kernel
   */
  public KernelText(String name) {
    this.name = name;
  }

  /** The kernel's next argument, a pointer to a buffer of XLA's. */
  public Tile pointer(String element) {
    Tile argument = new Tile("%arg" + arguments.size(), List.of(), Tile.POINTER.formatted(element));
    arguments.add(argument.name() + ": " + argument.type() + " {tt.divisibility = 16 : i32}");
    return argument;
  }

  private Tile emit(List<Integer> shape, String element, String operation) {
    Tile result = new Tile("%v" + next++, shape, element);
    body.append(result.name()).append(" = ").append(operation).append('\n');
    return result;
  }

  /** Which program this is on an axis of the grid, i32. */
  public Tile programId(char axis) {
    return emit(List.of(), "i32", "tt.get_program_id %s : i32".formatted(axis));
  }

  /** A constant, i32. */
  public Tile constant(int value) {
    return emit(List.of(), "i32", "arith.constant %s : i32".formatted(value));
  }

  /** One value everywhere, f32 [shape]. */
  public Tile full(float value, Integer... shape) {
    String bits =
        Float.isFinite(value)
            ? String.format(Locale.ROOT, "%.8e", value) // float32's digits
            : String.format(Locale.ROOT, "0x%08X", Float.floatToRawIntBits(value));
    List<Integer> sizes = List.of(shape);
    return emit(
        sizes, "f32", "arith.constant dense<%s> : %s".formatted(bits, Tile.type(sizes, "f32")));
  }

  /** 0 … size − 1, i32 [size]. */
  public Tile range(int size) {
    return emit(
        List.of(size),
        "i32",
        "tt.make_range {end = %s : i32, start = 0 : i32} : tensor<%sxi32>".formatted(size, size));
  }

  /** [s] → [s,1]. */
  public Tile column(Tile x) {
    return expand(x, 1, List.of(x.shape().get(0), 1));
  }

  /** [s] → [1,s]. */
  public Tile row(Tile x) {
    return expand(x, 0, List.of(1, x.shape().get(0)));
  }

  private Tile expand(Tile x, int axis, List<Integer> shape) {
    return emit(
        shape,
        x.element(),
        "tt.expand_dims %s {axis = %s : i32} : %s -> %s"
            .formatted(x.name(), axis, x.type(), Tile.type(shape, x.element())));
  }

  /** Repeated until it has a shape. */
  private Tile broadcastTo(Tile x, List<Integer> shape) {
    if (x.shape().equals(shape)) {
      return x;
    }
    return emit(
        shape,
        x.element(),
        "%s %s : %s -> %s"
            .formatted(
                x.shape().isEmpty() ? "tt.splat" : "tt.broadcast",
                x.name(),
                x.type(),
                Tile.type(shape, x.element())));
  }

  private Tile binary(String operation, Tile a, Tile b) {
    List<Integer> shape = Tile.broadcastShape(a, b);
    Tile left = broadcastTo(a, shape);
    Tile right = broadcastTo(b, shape);
    return emit(
        shape,
        a.element(),
        "%s %s, %s : %s".formatted(operation, left.name(), right.name(), left.type()));
  }

  /** The sum of a and b. */
  public Tile add(Tile a, Tile b) {
    return binary(a.isFloating() ? "arith.addf" : "arith.addi", a, b);
  }

  /** The difference of a and b. */
  public Tile subtract(Tile a, Tile b) {
    return binary(a.isFloating() ? "arith.subf" : "arith.subi", a, b);
  }

  /** The product of a and b, value by value. */
  public Tile multiply(Tile a, Tile b) {
    return binary(a.isFloating() ? "arith.mulf" : "arith.muli", a, b);
  }

  /** The quotient of a and b; of integers without the remainder. */
  public Tile divide(Tile a, Tile b) {
    return binary(a.isFloating() ? "arith.divf" : "arith.divsi", a, b);
  }

  /** The remainder of an integer division. */
  public Tile rem(Tile a, Tile b) {
    return binary("arith.remsi", a, b);
  }

  /** The smaller of a and b, value by value. */
  public Tile minimum(Tile a, Tile b) {
    return binary(a.isFloating() ? "arith.minnumf" : "arith.minsi", a, b);
  }

  /** The larger of a and b, value by value. */
  public Tile maximum(Tile a, Tile b) {
    return binary("arith.maxnumf", a, b);
  }

  /** Whether a is less than b, which no NaN is; i1. */
  public Tile less(Tile a, Tile b) {
    Tile compared = binary(a.isFloating() ? "arith.cmpf olt," : "arith.cmpi slt,", a, b);
    return new Tile(compared.name(), compared.shape(), "i1");
  }

  /** Whether both a and b hold, i1. */
  public Tile and(Tile a, Tile b) {
    return binary("arith.andi", a, b);
  }

  /** The mask of a block, [m,c], from those of its rows [m] and columns [c]; null means all. */
  public @Nullable Tile mask(@Nullable Tile rows, @Nullable Tile columns) {
    if (rows == null) {
      return columns == null ? null : row(columns);
    }
    return columns == null ? column(rows) : and(column(rows), row(columns));
  }

  /** The value of a where the condition holds, else b. */
  public Tile select(Tile condition, Tile a, Tile b) {
    Tile where = broadcastTo(condition, a.shape());
    return emit(
        a.shape(),
        a.element(),
        "arith.select %s, %s, %s : %s, %s"
            .formatted(
                where.name(), a.name(), broadcastTo(b, a.shape()).name(), where.type(), a.type()));
  }

  /** An i32 as i64. */
  public Tile extend(Tile x) {
    return emit(x.shape(), "i64", "arith.extsi %s : i32 to i64".formatted(x.name()));
  }

  /** Rounded to another floating type, or widened. */
  public Tile cast(Tile x, String element) {
    if (x.element().equals(element)) {
      return x;
    }
    return emit(
        x.shape(),
        element,
        "%s %s : %s to %s"
            .formatted(
                element.equals("f32") ? "arith.extf" : "arith.truncf",
                x.name(),
                x.type(),
                Tile.type(x.shape(), element)));
  }

  /**
   * A float32 rounded to the 11 digits of TensorFloat-32. Matrix units cut off what a factor has
   * beyond them, and sums of numbers that are all too small are too small.
   */
  public Tile roundToTf32(Tile x) {
    return instruction("cvt.rna.tf32.f32", x);
  }

  /** The hyperbolic tangent of each float32, off by 2⁻¹¹ of it at most, in one instruction. */
  public Tile tanh(Tile x) {
    return instruction("tanh.approx.f32", x);
  }

  /** One over each float32, off by its last digit at most, in one instruction. */
  public Tile reciprocal(Tile x) {
    return instruction("rcp.approx.ftz.f32", x);
  }

  private Tile instruction(String name, Tile x) {
    return emit(
        x.shape(),
        x.element(),
        "tt.elementwise_inline_asm \"%s $0, $1;\" {constraints = \"=r,r\", packed_element = 1 : i32, pure = true} %s : %s -> %s"
            .formatted(name, x.name(), x.type(), x.type()));
  }

  /**
   * A polynomial of each float32.
   *
   * @param coefficients from the constant one on
   */
  public Tile polynomial(Tile x, double... coefficients) {
    Integer[] shape = x.shape().toArray(new Integer[0]);
    Tile sum = full((float) coefficients[coefficients.length - 1], shape);
    for (int i = coefficients.length - 2; i >= 0; i--) {
      sum = add(multiply(sum, x), full((float) coefficients[i], shape));
    }
    return sum;
  }

  /** A function of each value. */
  private Tile unary(String operation, Tile x) {
    return emit(x.shape(), x.element(), "%s %s : %s".formatted(operation, x.name(), x.type()));
  }

  /** The exponential function of each value. */
  public Tile exp(Tile x) {
    return unary("math.exp", x);
  }

  /** Two to the power of each value. */
  public Tile exp2(Tile x) {
    return unary("math.exp2", x);
  }

  /** The natural logarithm of each value. */
  public Tile log(Tile x) {
    return unary("math.log", x);
  }

  /** One over the square root of each value. */
  public Tile rsqrt(Tile x) {
    return unary("math.rsqrt", x);
  }

  /** The largest values along an axis, which is gone after that. */
  public Tile max(Tile x, int axis) {
    return reduce("arith.maxnumf", x, axis);
  }

  /** Sums along an axis, which is gone after that. */
  public Tile sum(Tile x, int axis) {
    return reduce("arith.addf", x, axis);
  }

  private Tile reduce(String operation, Tile x, int axis) {
    List<Integer> shape = new ArrayList<>(x.shape());
    shape.remove(axis);
    int id = next;
    String e = x.element();
    return emit(
        shape,
        e,
        """
        "tt.reduce"(%s) <{axis = %s : i32}> ({
        ^bb0(%%a%s: %s, %%b%s: %s):
        %%c%s = %s %%a%s, %%b%s : %s
        tt.reduce.return %%c%s : %s
        }) : (%s) -> %s\
        """
            .formatted(
                x.name(),
                axis,
                id,
                e,
                id,
                e,
                id,
                operation,
                id,
                id,
                e,
                id,
                e,
                x.type(),
                Tile.type(shape, e)));
  }

  /** [p,q] → [q,p]. */
  public Tile transpose(Tile x) {
    List<Integer> shape = new ArrayList<>(x.shape());
    Collections.reverse(shape);
    return emit(
        shape,
        x.element(),
        "tt.trans %s {order = array<i32: 1, 0>} : %s -> %s"
            .formatted(x.name(), x.type(), Tile.type(shape, x.element())));
  }

  /**
   * a·b + sum, the sum in float32; factors of float32 with the 11 digits of TensorFloat-32.
   *
   * @param sum of the product's shape
   */
  public Tile dot(Tile a, Tile b, Tile sum) {
    return emit(
        sum.shape(),
        sum.element(),
        "tt.dot %s, %s, %s, inputPrecision = tf32 : %s * %s -> %s"
            .formatted(a.name(), b.name(), sum.name(), a.type(), b.type(), sum.type()));
  }

  /** The product a·b, in float32. */
  public Tile dot(Tile a, Tile b) {
    return dot(a, b, full(0, a.shape().get(0), b.shape().get(1)));
  }

  /** Pointers so many elements further. */
  public Tile offset(Tile pointer, Tile elements) {
    List<Integer> shape = Tile.broadcastShape(pointer, elements);
    Tile left = broadcastTo(pointer, shape);
    Tile right = broadcastTo(elements, shape);
    return emit(
        shape,
        pointer.element(),
        "tt.addptr %s, %s : %s, %s"
            .formatted(left.name(), right.name(), left.type(), right.type()));
  }

  /** What pointers point to; 0 where the mask doesn't hold. */
  public Tile load(Tile pointers, @Nullable Tile mask) {
    String element = pointers.target();
    if (mask == null) {
      return emit(
          pointers.shape(), element, "tt.load %s : %s".formatted(pointers.name(), pointers.type()));
    }
    Tile zero = cast(full(0, pointers.shape().toArray(new Integer[0])), element);
    return emit(
        pointers.shape(),
        element,
        "tt.load %s, %s, %s : %s"
            .formatted(
                pointers.name(),
                broadcastTo(mask, pointers.shape()).name(),
                zero.name(),
                pointers.type()));
  }

  /** Writes values where the mask holds. */
  public void store(Tile pointers, Tile values, @Nullable Tile mask) {
    Tile typed = cast(values, pointers.target());
    String where = mask == null ? "" : ", " + broadcastTo(mask, pointers.shape()).name();
    body.append(
        "tt.store %s, %s%s : %s\n"
            .formatted(pointers.name(), typed.name(), where, pointers.type()));
  }

  /**
   * Counts from one i32 up to, not including, another, and carries values from turn to turn.
   *
   * @param turn given the number and the values, the values after it
   * @return the values after the last turn
   */
  public List<Tile> loop(
      Tile from,
      Tile to,
      int step,
      List<Tile> start,
      BiFunction<Tile, List<Tile>, List<Tile>> turn) {
    Tile increment = constant(step);
    int id = next++;
    List<Tile> carried =
        IntStream.range(0, start.size())
            .mapToObj(i -> rename(start.get(i), "%%x%s_%s".formatted(id, i)))
            .toList();
    Tile counter = new Tile("%i" + id, List.of(), "i32");
    String types = start.stream().map(Tile::type).collect(Collectors.joining(", "));
    body.append(
        "%%r%s:%s = scf.for %s = %s to %s step %s iter_args(%s) -> (%s) : i32 {\n"
            .formatted(
                id,
                start.size(),
                counter.name(),
                from.name(),
                to.name(),
                increment.name(),
                IntStream.range(0, start.size())
                    .mapToObj(i -> carried.get(i).name() + " = " + start.get(i).name())
                    .collect(Collectors.joining(", ")),
                types));
    List<Tile> after = turn.apply(counter, carried);
    body.append(
        "scf.yield %s : %s\n}\n"
            .formatted(after.stream().map(Tile::name).collect(Collectors.joining(", ")), types));
    return IntStream.range(0, start.size())
        .mapToObj(i -> rename(start.get(i), "%%r%s#%s".formatted(id, i)))
        .toList();
  }

  private static Tile rename(Tile x, String name) {
    return new Tile(name, x.shape(), x.element());
  }

  /** The kernel as a module. */
  @Override
  public String toString() {
    return "module {\ntt.func public @%s(%s) attributes {noinline = false} {\n%stt.return\n}\n}\n"
        .formatted(name, String.join(", ", arguments), body);
  }
}
