package dev.linformer.ops.internal.kernel;

import static dev.linformer.ops.internal.kernel.KernelInterpreter.require;

import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** Of a scalar, which has no sizes, or of a tensor. */
record BlockType(List<Integer> shape, String element) {

  private static final List<String> ELEMENTS =
      List.of("i1", "i32", "i64", "f32", "bf16", "!tt.ptr<f32>", "!tt.ptr<bf16>");
  private static final Pattern TENSOR = Pattern.compile("tensor<((?:\\d+x)+)(.*)>");

  BlockType {
    require(ELEMENTS.contains(element), "no type: %s", element);
    boolean powers = shape.stream().allMatch(size -> Integer.bitCount(size) == 1);
    require(powers, "not powers of two: %s", shape);
  }

  static BlockType parse(String text) {
    Matcher tensor = TENSOR.matcher(text);
    return tensor.matches()
        ? new BlockType(
            Stream.of(tensor.group(1).split("x", 0)).map(Integer::valueOf).toList(),
            tensor.group(2))
        : new BlockType(List.of(), text);
  }

  static BlockType pointer(String element) {
    return new BlockType(List.of(), "!tt.ptr<" + element + ">");
  }

  BlockType of(String other) {
    return new BlockType(shape, other);
  }

  BlockType shaped(List<Integer> other) {
    return new BlockType(other, element);
  }

  int size() {
    return shape.stream().reduce(1, Math::multiplyExact);
  }

  int rows() {
    require(shape.size() == 2, "two axes expected: %s", this);
    return shape.get(0);
  }

  int columns() {
    require(shape.size() == 2, "two axes expected: %s", this);
    return shape.get(1);
  }

  boolean floating() {
    return element.equals("f32") || element.equals("bf16");
  }

  boolean integer() {
    return element.equals("i32") || element.equals("i64");
  }
}
