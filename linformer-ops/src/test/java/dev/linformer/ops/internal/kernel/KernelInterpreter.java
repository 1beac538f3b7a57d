package dev.linformer.ops.internal.kernel;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;

/**
 * Executes the operations that {@link KernelText} writes on a CPU, program by program and in
 * float64. It refuses what Triton's compiler would refuse, and what a GPU would do without a word:
 * accesses outside of a buffer, integers that don't fit, and outputs that no program writes or that
 * are written twice.
 */
public final class KernelInterpreter {

  private static final Pattern HEAD =
      Pattern.compile("tt\\.func public @\\w+\\((.*)\\) attributes \\{noinline = false\\} \\{");
  private static final Pattern ARGUMENT =
      Pattern.compile("(%\\w+): (\\S+) \\{tt\\.divisibility = 16 : i32\\}");
  private static final Pattern STATEMENT =
      Pattern.compile("(?:(%\\w+) = )?([a-z_.0-9]+) (.*) : (.*)");
  private static final Pattern LOOP =
      Pattern.compile(
          "(%\\w+):(\\d+) = scf\\.for (%\\w+) = (\\S+) to (\\S+) step (\\S+) iter_args\\((.+)\\) -> \\((.+)\\) : i32 \\{");
  private static final Pattern REDUCE =
      Pattern.compile(
          """
          (%\\w+) = "tt\\.reduce"\\((\\S+)\\) <\\{axis = (\\d+) : i32\\}> \\(\\{
          \\^bb0\\((%\\w+): (\\w+), (%\\w+): \\5\\):
          (%\\w+) = (\\S+) \\4, \\6 : \\5
          tt\\.reduce\\.return \\7 : \\5
          \\}\\) : \\((.*)\\) -> (.*)""");
  private static final Pattern NAME = Pattern.compile("%[\\w#]+");
  private static final Pattern AXIS = Pattern.compile("\\S+ \\{axis = (\\d) : i32\\}");
  private static final Pattern DENSE = Pattern.compile("dense<(.*)>");
  private static final Pattern BETWEEN_TYPES = Pattern.compile(", | \\* | -> | to ");
  private static final BlockType I32 = new BlockType(List.of(), "i32");

  private final List<String> lines;
  private final List<Integer> program;
  private final boolean rounding;
  private Map<String, Block> blocks = new HashMap<>(); // that are defined where we are, by name
  private int at; // the line after the one that is executed

  private KernelInterpreter(List<String> lines, List<Integer> program, boolean rounding) {
    this.lines = lines;
    this.program = program;
    this.rounding = rounding;
  }

  /**
   * Runs all programs of a grid, one after another.
   *
   * @param rounding whether what becomes bfloat16 is rounded; all else has float64's digits
   * @param buffers the kernel's arguments
   * @throws IllegalStateException if something is wrong, with the line
   */
  public static void run(String text, List<Integer> grid, boolean rounding, List<Buffer> buffers) {
    List<String> lines = text.lines().toList();
    for (int i = 0; i < grid.get(0) * grid.get(1) * grid.get(2); i++) {
      int yz = i / grid.get(0);
      List<Integer> program = List.of(i % grid.get(0), yz % grid.get(1), yz / grid.get(1));
      var interpreter = new KernelInterpreter(lines, program, rounding);
      try {
        interpreter.module(buffers);
      } catch (IllegalStateException e) {
        int line = Math.max(interpreter.at, 1);
        throw new IllegalStateException(
            "%s in line %s of program %s: %s"
                .formatted(e.getMessage(), line, program, lines.get(line - 1)),
            e);
      }
    }
    buffers.forEach(Buffer::requireWritten);
  }

  @SuppressWarnings("AnnotateFormatMethod") // whose annotation would be one more dependency
  static void require(boolean holds, String message, Object... details) {
    if (!holds) {
      throw new IllegalStateException(message.formatted(details));
    }
  }

  private static MatchResult match(Pattern pattern, String text) {
    Matcher matcher = pattern.matcher(text);
    require(matcher.matches(), "not understood");
    return matcher.toMatchResult();
  }

  private void module(List<Buffer> buffers) {
    require(lines.get(at++).equals("module {"), "no module");
    MatchResult head = match(HEAD, lines.get(at++));
    List<MatchResult> arguments = ARGUMENT.matcher(head.group(1)).results().toList();
    require(arguments.size() == buffers.size(), "%s arguments", arguments.size());
    for (int i = 0; i < arguments.size(); i++) {
      Buffer buffer = buffers.get(i);
      Block pointer = new Block(BlockType.pointer(buffer.element()), new double[1], buffer);
      define(arguments.get(i).group(1), pointer, BlockType.parse(arguments.get(i).group(2)));
    }
    body();
    require(lines.subList(at - 1, lines.size()).equals(List.of("tt.return", "}", "}")), "no end");
  }

  /** Executes lines up to the end of the function or of a loop, and returns what that yields. */
  private List<Block> body() {
    while (true) {
      String line = lines.get(at++);
      if (line.equals("tt.return")) {
        return List.of();
      } else if (line.startsWith("scf.yield ")) {
        MatchResult yield = match(STATEMENT, line);
        return get(names(yield.group(3)), types(yield.group(4)));
      } else if (line.contains(" = scf.for ")) {
        loop(match(LOOP, line));
      } else if (line.contains(" = \"tt.reduce\"")) {
        at += 4;
        MatchResult text = match(REDUCE, String.join("\n", lines.subList(at - 5, at)));
        Block x = get(text.group(2), BlockType.parse(text.group(9)));
        require(x.type().element().equals(text.group(5)), "elements are %s", x.type());
        Block y = x.reduced(text.group(8), Integer.parseInt(text.group(3)));
        define(text.group(1), y, BlockType.parse(text.group(10)));
      } else {
        statement(match(STATEMENT, line));
      }
    }
  }

  private void define(String name, Block block, BlockType type) {
    require(block.type().equals(type), "%s is %s", name, block.type());
    require(blocks.putIfAbsent(name, block) == null, "%s is there already", name);
  }

  private Block get(String name, BlockType type) {
    Block block = blocks.get(name);
    if (block == null) {
      throw new IllegalStateException(name + " is not defined");
    }
    require(block.type().equals(type), "%s is %s", name, block.type());
    return block;
  }

  private List<Block> get(List<String> names, List<BlockType> types) {
    require(names.size() == types.size(), "%s operands", names.size());
    return IntStream.range(0, names.size()).mapToObj(i -> get(names.get(i), types.get(i))).toList();
  }

  private static List<String> names(String text) {
    return NAME.matcher(text).results().map(MatchResult::group).toList();
  }

  private static List<BlockType> types(String text) {
    return BETWEEN_TYPES.splitAsStream(text).map(BlockType::parse).toList();
  }

  private void loop(MatchResult head) {
    int from = (int) get(head.group(4), I32).data()[0];
    int to = (int) get(head.group(5), I32).data()[0];
    int step = (int) get(head.group(6), I32).data()[0];
    require(step > 0, "no step");
    List<String> names = names(head.group(7)); // inside and outside by turns
    List<BlockType> types = types(head.group(8));
    require(names.size() == 2 * types.size(), "%s names", names.size());
    require(head.group(2).equals("" + types.size()), "%s types", types.size());
    List<String> outer =
        IntStream.range(0, types.size()).mapToObj(i -> names.get(2 * i + 1)).toList();
    List<Block> carried = get(outer, types);
    int start = at;
    Map<String, Block> outside = blocks;
    for (int i = from; i < to; i += step) {
      at = start;
      blocks = new HashMap<>(outside);
      int count = i;
      define(head.group(3), Block.of(I32, j -> count), I32);
      for (int j = 0; j < types.size(); j++) {
        blocks.put(names.get(2 * j), carried.get(j));
      }
      carried = body();
      require(carried.stream().map(Block::type).toList().equals(types), "other types");
    }
    blocks = outside;
    at = start;
    for (int depth = 1; depth > 0; at++) {
      String line = lines.get(at);
      depth += (line.endsWith("{") ? 1 : 0) - (line.startsWith("}") ? 1 : 0);
    }
    for (int j = 0; j < types.size(); j++) {
      blocks.put(head.group(1) + "#" + j, carried.get(j));
    }
  }

  private void statement(MatchResult text) {
    String name = text.group(1);
    String operation = text.group(2);
    String rest = text.group(3);
    List<String> x = names(rest);
    List<BlockType> types = types(text.group(4));
    BlockType first = types.get(0);
    BlockType last = types.get(types.size() - 1);
    if (operation.equals("tt.store")) {
      require(name == null, "a store has no result");
      store(x, first);
      return;
    }
    require(name != null, "a result without a name");
    Block y =
        switch (operation) {
          case "tt.get_program_id" -> Block.of(I32, i -> program.get("xyz".indexOf(rest)));
          case "arith.constant" -> constant(rest, first);
          case "tt.make_range" -> range(rest, first);
          case "tt.load" -> load(x, first);
          case "tt.addptr" -> all(x, types, of -> of.get(0).offset(of.get(1)));
          case "tt.dot" -> all(x, types, of -> of.get(0).dot(of.get(1), of.get(2)));
          case "arith.select" ->
              all(x, List.of(first, last, last), of -> of.get(0).select(of.get(1), of.get(2)));
          case "arith.extsi" -> one(x, first).as("i32", "i64", false);
          case "arith.extf" -> one(x, first).as("bf16", "f32", false);
          case "arith.truncf" -> one(x, first).as("f32", "bf16", rounding);
          case "tt.elementwise_inline_asm" -> {
            Block value = one(x, first);
            yield switch (rest.substring(0, rest.indexOf('{'))) {
              case "\"tanh.approx.f32 $0, $1;\" " -> value.tanh();
              case "\"rcp.approx.ftz.f32 $0, $1;\" " -> value.reciprocal();
              case "\"cvt.rna.tf32.f32 $0, $1;\" " -> value.tensorFloat32(rounding);
              default -> throw new IllegalStateException("another instruction: " + rest);
            };
          }
          case "math.exp" -> one(x, first).exp();
          case "math.exp2" -> one(x, first).exp2();
          case "math.log" -> one(x, first).log();
          case "math.rsqrt" -> one(x, first).rsqrt();
          case "tt.splat" -> one(x, first).splat(last.shape());
          case "tt.broadcast" -> one(x, first).broadcast(last);
          case "tt.trans" -> {
            require(rest.endsWith(" {order = array<i32: 1, 0>}"), "another order");
            yield one(x, first).transposed();
          }
          case "tt.expand_dims" ->
              one(x, first).expand(Integer.parseInt(match(AXIS, rest).group(1)));
          case "arith.andi" -> all(x, List.of(first, first), of -> of.get(0).and(of.get(1)));
          default -> {
            require(Block.isBinary(operation), "no such operation");
            require(rest.startsWith("slt, ") == operation.equals("arith.cmpi"), "not understood");
            require(rest.startsWith("olt, ") == operation.equals("arith.cmpf"), "not understood");
            yield all(x, List.of(first, first), of -> of.get(0).binary(operation, of.get(1)));
          }
        };
    BlockType said =
        switch (operation) {
          case "tt.load", "arith.cmpi", "arith.cmpf" -> y.type(); // which the text doesn't say
          case "tt.addptr" -> first;
          default -> last;
        };
    define(name, y, said);
  }

  private Block one(List<String> names, BlockType type) {
    return get(names, List.of(type)).get(0);
  }

  private Block all(List<String> names, List<BlockType> types, Function<List<Block>, Block> of) {
    return of.apply(get(names, types));
  }

  private static Block constant(String text, BlockType type) {
    if (type.equals(I32)) {
      int value = Integer.parseInt(text);
      return Block.of(type, i -> value);
    }
    require(type.element().equals("f32"), "no such constant");
    String number = match(DENSE, text).group(1);
    float value =
        number.startsWith("0x")
            ? Float.intBitsToFloat(Integer.parseUnsignedInt(number.substring(2), 16))
            : Float.parseFloat(number);
    return Block.of(type, i -> value);
  }

  private static Block range(String text, BlockType type) {
    String expected = "{end = %s : i32, start = 0 : i32}".formatted(type.size());
    require(text.equals(expected) && type.element().equals("i32"), "no such range");
    return Block.of(type, i -> i);
  }

  private Block load(List<String> x, BlockType type) {
    boolean masked = x.size() == 3;
    require(masked || x.size() == 1, "%s operands", x.size());
    Block pointers = get(x.get(0), type);
    Buffer buffer = pointers.target();
    BlockType made = type.of(buffer.element());
    Block mask = masked ? get(x.get(1), type.of("i1")) : pointers;
    Block rest = masked ? get(x.get(2), made) : pointers;
    return Block.of(
        made,
        i -> !masked || mask.data()[i] == 1 ? buffer.load(pointers.data()[i]) : rest.data()[i]);
  }

  private void store(List<String> x, BlockType type) {
    boolean masked = x.size() == 3;
    require(masked || x.size() == 2, "%s operands", x.size());
    Block pointers = get(x.get(0), type);
    Buffer buffer = pointers.target();
    Block made = get(x.get(1), type.of(buffer.element()));
    Block mask = masked ? get(x.get(2), type.of("i1")) : made;
    for (int i = 0; i < made.data().length; i++) {
      if (!masked || mask.data()[i] == 1) {
        buffer.store(pointers.data()[i], made.data()[i]);
      }
    }
  }
}
