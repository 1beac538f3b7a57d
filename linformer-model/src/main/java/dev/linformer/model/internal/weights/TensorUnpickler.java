package dev.linformer.model.internal.weights;

import dev.linformer.io.InvalidInputException;
import dev.linformer.io.internal.text.PrintableText;
import dev.linformer.model.internal.weights.StridedTensor.Storage;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import net.razorvine.pickle.IObjectConstructor;
import net.razorvine.pickle.Opcodes;
import net.razorvine.pickle.PickleUtils;
import net.razorvine.pickle.Unpickler;
import org.tensorflow.ndarray.Shape;

/**
 * Reads the pickle in a PyTorch file. A pickle is a program; this one may build dictionaries,
 * lists, numbers and texts, and of everything that it calls by name only what makes a tensor. Any
 * other name is refused before anything is called, and so is any other operation.
 *
 * <p>It takes time and memory in proportion to the pickle's bytes. As objects may hold themselves,
 * and each other many times over, none is ever compared, hashed or written out but texts and
 * numbers.
 */
final class TensorUnpickler extends Unpickler {

  private static final Map<String, FloatType> STORAGES =
      Map.of(
          "torch.FloatStorage", FloatType.F32,
          "torch.DoubleStorage", FloatType.F64,
          "torch.HalfStorage", FloatType.F16,
          "torch.BFloat16Storage", FloatType.BF16);

  /** What a pickle may keep at once, on its stack and in its memo. */
  private static final int MOST_OBJECTS = 1 << 20;

  private static final int MOST_AXES = 64;

  private final Map<String, IObjectConstructor> constructors =
      Map.of(
          "torch._utils._rebuild_tensor_v2", this::tensor,
          "torch._utils._rebuild_parameter", TensorUnpickler::parameter,
          "collections.OrderedDict", TensorUnpickler::dictionary);

  private final Path file;
  private final ByteArrayInputStream bytes;

  /** Axes that tensors may still have, all together: each takes a byte of the pickle at least. */
  private long axesLeft;

  private TensorUnpickler(Path file, byte[] pickle) {
    this.file = file;
    this.bytes = new ByteArrayInputStream(pickle);
    this.axesLeft = pickle.length;
  }

  /**
   * Reads the tensors of a state dictionary.
   *
   * @param file named in messages only
   * @throws InvalidInputException if the pickle is damaged, is more than a dictionary of tensors,
   *     or calls anything by name that makes no tensor
   */
  static Map<String, StridedTensor> read(Path file, byte[] pickle) {
    TensorUnpickler unpickler = new TensorUnpickler(file, pickle);
    Object root;
    try {
      root = unpickler.load(unpickler.bytes);
    } catch (InvalidInputException e) {
      throw e;
    } catch (IOException | RuntimeException e) {
      throw new InvalidInputException(
          "%s: its pickle is damaged or no state dictionary (%s); save it again with"
                  .formatted(file, reason(e))
              + " torch.save(model.state_dict(), path)",
          e);
    }
    if (!(root instanceof Map<?, ?> entries)) {
      throw new InvalidInputException(
          file + ": holds no dictionary of tensors: save model.state_dict()");
    }
    Map<String, StridedTensor> tensors = new LinkedHashMap<>();
    entries.forEach(
        (name, value) -> {
          if (!(value instanceof StridedTensor tensor)) {
            throw new InvalidInputException(
                "%s: holds more than tensors, such as '%s': save model.state_dict() alone"
                    .formatted(file, PrintableText.excerpt(name)));
          }
          if (tensors.put(name.toString(), tensor) != null) {
            throw new InvalidInputException(
                "%s: holds two tensors named '%s'".formatted(file, PrintableText.excerpt(name)));
          }
        });
    return tensors;
  }

  /** Our own words; others' are of Java's classes. */
  private static String reason(Exception e) {
    return e instanceof IllegalArgumentException
        ? String.valueOf(e.getMessage())
        : "it ends too early, or an operation lacks what it needs";
  }

  @Override
  protected Object dispatch(short key) throws IOException {
    if (stack.size() > MOST_OBJECTS || memo.size() > MOST_OBJECTS) {
      throw new IllegalArgumentException("it keeps more than " + MOST_OBJECTS + " objects");
    }
    switch (key) {
      case Opcodes.PROTO -> {
        short protocol = PickleUtils.readbyte(input);
        if (protocol > HIGHEST_PROTOCOL) {
          throw new IllegalArgumentException("unsupported pickle protocol: " + protocol);
        }
      }
      case Opcodes.GLOBAL -> {
        String module = PickleUtils.readline(input);
        stack.add(named(module + "." + PickleUtils.readline(input)));
      }
      case Opcodes.STACK_GLOBAL -> {
        if (!(stack.pop() instanceof String name) || !(stack.pop() instanceof String module)) {
          throw new IllegalArgumentException("a name that is no text");
        }
        stack.add(named(module + "." + name));
      }
      case Opcodes.INST -> {
        String module = PickleUtils.readline(input);
        throw refused(module + "." + PickleUtils.readline(input));
      }
      case Opcodes.BUILD -> {
        stack.pop(); // versions of the model's parts, which PyTorch hangs on its dictionary
        if (!(stack.peek() instanceof Map)) {
          throw new IllegalArgumentException("a state for what has none");
        }
      }
      case Opcodes.EMPTY_DICT -> stack.add(new LinkedHashMap<>()); // keeps the order
      case Opcodes.SETITEM -> {
        Object value = stack.pop();
        put(Arrays.asList(stack.pop(), value));
      }
      case Opcodes.SETITEMS -> put(stack.pop_all_since_marker());
      case Opcodes.BINUNICODE -> {
        int length = PickleUtils.bytes_to_integer(PickleUtils.readbytes(input, 4));
        if (length < 0 || length > bytes.available()) {
          throw new IllegalArgumentException("a text of " + length + " bytes");
        }
        stack.add(new String(PickleUtils.readbytes(input, length), StandardCharsets.UTF_8));
      }
      case Opcodes.FRAME,
          Opcodes.STOP,
          Opcodes.MARK,
          Opcodes.NONE,
          Opcodes.NEWTRUE,
          Opcodes.NEWFALSE,
          Opcodes.BININT,
          Opcodes.BININT1,
          Opcodes.BININT2,
          Opcodes.LONG1,
          Opcodes.BINFLOAT,
          Opcodes.SHORT_BINUNICODE,
          Opcodes.EMPTY_LIST,
          Opcodes.APPEND,
          Opcodes.APPENDS,
          Opcodes.EMPTY_TUPLE,
          Opcodes.TUPLE,
          Opcodes.TUPLE1,
          Opcodes.TUPLE2,
          Opcodes.TUPLE3,
          Opcodes.BINPUT,
          Opcodes.LONG_BINPUT,
          Opcodes.MEMOIZE,
          Opcodes.BINGET,
          Opcodes.LONG_BINGET,
          Opcodes.BINPERSID,
          Opcodes.REDUCE -> {
        return super.dispatch(key);
      }
      default -> throw new IllegalArgumentException("operation 0x" + Integer.toHexString(key));
    }
    return NO_RETURN_VALUE;
  }

  /** What a name stands for: a storage's type, or what makes an object. */
  private Object named(String name) {
    Object type = STORAGES.get(name);
    Object found = type == null ? constructors.get(name) : type;
    if (found == null) {
      throw refused(name);
    }
    return found;
  }

  private InvalidInputException refused(String name) {
    return new InvalidInputException(
        "%s: refused, nothing of it was run: its pickle calls %s, which is no part of a dictionary"
                .formatted(file, PrintableText.excerpt(name))
            + " of float tensors; save it with torch.save(model.state_dict(), path)");
  }

  /** Texts and numbers are keys: a dictionary's own hash would follow cycles. */
  private void put(List<?> keysAndValues) {
    @SuppressWarnings("unchecked") // whatever it holds, it takes any more
    Map<Object, Object> target = (Map<Object, Object>) stack.peek();
    for (int i = 0; i < keysAndValues.size(); i += 2) {
      Object key = keysAndValues.get(i);
      if (!(key instanceof String || key instanceof Number)) {
        throw new IllegalArgumentException("a key that is neither text nor number");
      }
      target.put(key, keysAndValues.get(i + 1));
    }
  }

  /** ('storage', type, key, device, number of values). */
  @Override
  protected Object persistentLoad(Object id) {
    Object[] parts = (Object[]) id;
    if (parts.length != 5 || !"storage".equals(parts[0])) {
      throw new IllegalArgumentException("a reference to something other than a storage");
    }
    return new Storage((String) parts[2], (FloatType) parts[1], integer(parts[4]));
  }

  /** (storage, offset, shape, strides, …). */
  private Object tensor(Object[] arguments) {
    return new StridedTensor(
        (Storage) arguments[0],
        integer(arguments[1]),
        Shape.of(integers(arguments[2]).stream().mapToLong(Long::longValue).toArray()),
        integers(arguments[3]));
  }

  private static Object parameter(Object[] arguments) {
    return (StridedTensor) arguments[0];
  }

  private static Object dictionary(Object[] arguments) {
    if (arguments.length > 0) {
      throw new IllegalArgumentException("an OrderedDict with arguments");
    }
    return new LinkedHashMap<Object, Object>();
  }

  /** A tuple of a few numbers; the pickle may name a long one any number of times. */
  private List<Long> integers(Object tuple) {
    Object[] numbers = (Object[]) tuple;
    axesLeft -= numbers.length;
    if (numbers.length > MOST_AXES || axesLeft < 0) {
      throw new IllegalArgumentException("a tensor of more than " + MOST_AXES + " axes");
    }
    return Arrays.stream(numbers).map(TensorUnpickler::integer).toList();
  }

  private static long integer(Object value) {
    if (value instanceof Integer || value instanceof Long) {
      return ((Number) value).longValue();
    }
    return ((BigInteger) value).longValueExact();
  }
}
