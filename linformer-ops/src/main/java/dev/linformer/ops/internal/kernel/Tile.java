package dev.linformer.ops.internal.kernel;

import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;

/**
 * A value in a kernel: a scalar, or a block of scalars that the threads of a program hold together.
 *
 * @param name in the kernel's text
 * @param shape powers of two; empty for a scalar
 * @param element {@code i1}, {@code i32}, {@code i64}, {@code f32}, {@code bf16}, or {@code
 *     !tt.ptr<…>}
 */
public record Tile(String name, List<Integer> shape, String element) {

  /** Of a pointer's target. */
  static final String POINTER = "!tt.ptr<%s>";

  /** Copies the shape. */
  public Tile {
    shape = List.copyOf(shape);
  }

  /** The type in the kernel's text. */
  String type() {
    return type(shape, element);
  }

  static String type(List<Integer> shape, String element) {
    return shape.isEmpty()
        ? element
        : "tensor<%sx%s>"
            .formatted(
                shape.stream().map(String::valueOf).collect(Collectors.joining("x")), element);
  }

  /** Whether elements are floating. */
  boolean isFloating() {
    return element.equals("f32") || element.equals("bf16");
  }

  /** What a pointer points to. */
  String target() {
    return element.substring("!tt.ptr<".length(), element.length() - 1);
  }

  /** The shape of both together, where an axis of length 1 is repeated. */
  static List<Integer> broadcastShape(Tile a, Tile b) {
    if (a.shape.isEmpty() || b.shape.isEmpty()) {
      return a.shape.isEmpty() ? b.shape : a.shape;
    }
    Integer[] sizes = new Integer[a.shape.size()];
    Arrays.setAll(sizes, axis -> Math.max(a.shape.get(axis), b.shape.get(axis)));
    return List.of(sizes);
  }
}
