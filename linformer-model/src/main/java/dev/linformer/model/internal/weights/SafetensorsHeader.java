package dev.linformer.model.internal.weights;

import com.fasterxml.jackson.databind.JsonNode;
import dev.linformer.io.InvalidInputException;
import dev.linformer.io.internal.JsonText;
import dev.linformer.io.internal.text.PrintableText;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.tensorflow.ndarray.Shape;

/**
 * The JSON part of a safetensors file, checked against the size of its data part.
 *
 * @param metadata the free texts under {@code __metadata__}
 * @param entries the tensors by name, in the order of their data
 */
record SafetensorsHeader(Map<String, String> metadata, Map<String, TensorEntry> entries) {
  static final String METADATA = "__metadata__";

  /** Where a tensor lies: bytes {@code begin} (inclusive) to {@code end} of the data part. */
  record TensorEntry(String name, String dtype, Shape shape, long begin, long end) {}

  private static final Map<String, Integer> BITS =
      Map.ofEntries(
          Map.entry("F4", 4),
          Map.entry("F6_E2M3", 6),
          Map.entry("F6_E3M2", 6),
          Map.entry("BOOL", 8),
          Map.entry("U8", 8),
          Map.entry("I8", 8),
          Map.entry("F8_E5M2", 8),
          Map.entry("F8_E4M3", 8),
          Map.entry("F8_E8M0", 8),
          Map.entry("I16", 16),
          Map.entry("U16", 16),
          Map.entry("F16", 16),
          Map.entry("BF16", 16),
          Map.entry("I32", 32),
          Map.entry("U32", 32),
          Map.entry("F32", 32),
          Map.entry("I64", 64),
          Map.entry("U64", 64),
          Map.entry("F64", 64),
          Map.entry("C64", 64));

  /**
   * Reads and checks a header.
   *
   * @param file named in messages only
   * @param dataBytes size of what follows the header
   * @throws InvalidInputException if the header is not one, or its tensors do not cover the data
   *     part exactly once
   */
  static SafetensorsHeader parse(Path file, byte[] header, long dataBytes) {
    Map<String, String> metadata = new LinkedHashMap<>();
    List<TensorEntry> entries = new ArrayList<>();
    JsonText.forEach(
        file + ": the header",
        header,
        (name, value) -> {
          if (name.equals(METADATA)) {
            metadata.putAll(metadata(file, value));
          } else {
            entries.add(entry(file, name, value));
          }
        });
    entries.sort(Comparator.comparingLong(TensorEntry::begin).thenComparingLong(TensorEntry::end));
    checkLayout(file, entries, dataBytes);
    Map<String, TensorEntry> byName = new LinkedHashMap<>();
    entries.forEach(entry -> byName.put(entry.name(), entry));
    return new SafetensorsHeader(
        Collections.unmodifiableMap(metadata), Collections.unmodifiableMap(byName));
  }

  private static Map<String, String> metadata(Path file, JsonNode node) {
    if (node.isNull()) { // as the format's own library reads it
      return Map.of();
    }
    if (!node.isObject()) {
      throw invalid(file, METADATA + " must be an object of strings");
    }
    Map<String, String> metadata = new LinkedHashMap<>();
    for (Map.Entry<String, JsonNode> property : node.properties()) {
      if (!property.getValue().isTextual()) {
        throw invalid(
            file,
            METADATA + " '" + PrintableText.excerpt(property.getKey()) + "' must be a string");
      }
      metadata.put(property.getKey(), property.getValue().textValue());
    }
    return metadata;
  }

  private static TensorEntry entry(Path file, String name, JsonNode node) {
    String dtype = node.path("dtype").asText("");
    Integer bits = BITS.get(dtype);
    if (!node.path("dtype").isTextual() || bits == null) {
      throw invalid(
          file, tensor(name) + "dtype must be one of the format's, found " + found(node, "dtype"));
    }
    long[] shape = longs(file, name, node, "shape");
    long[] offsets = longs(file, name, node, "data_offsets");
    if (offsets.length != 2 || offsets[0] > offsets[1]) {
      throw invalid(
          file,
          tensor(name) + "data_offsets must be [begin, end], found " + found(node, "data_offsets"));
    }
    long size = 1;
    try {
      for (long axis : shape) {
        size = Math.multiplyExact(size, axis);
      }
      size = Math.multiplyExact(size, bits);
    } catch (ArithmeticException e) {
      throw invalid(file, tensor(name) + "shape " + found(node, "shape") + " overflows");
    }
    long found = offsets[1] - offsets[0];
    if (size % 8 != 0 || size / 8 != found) {
      throw invalid(
          file,
          String.format(
              "%s%s of shape %s does not fill the %s bytes of its data_offsets %s",
              tensor(name), dtype, found(node, "shape"), found, found(node, "data_offsets")));
    }
    return new TensorEntry(name, dtype, Shape.of(shape), offsets[0], offsets[1]);
  }

  private static long[] longs(Path file, String name, JsonNode node, String key) {
    JsonNode array = node.path(key);
    long[] values = new long[array.size()];
    boolean valid = array.isArray();
    for (int i = 0; valid && i < values.length; i++) {
      values[i] = array.get(i).longValue();
      valid = array.get(i).isIntegralNumber() && array.get(i).canConvertToLong() && values[i] >= 0;
    }
    if (!valid) {
      throw invalid(
          file,
          tensor(name)
              + key
              + " must be an array of integers from 0 to 2^63 - 1, found "
              + found(node, key));
    }
    return values;
  }

  private static void checkLayout(Path file, List<TensorEntry> entries, long dataBytes) {
    long end = 0;
    for (TensorEntry entry : entries) {
      if (entry.begin() != end) {
        throw invalid(
            file,
            String.format(
                "%sbegins at byte %s of the data, %s the tensor before it, which ends at %s",
                tensor(entry.name()),
                entry.begin(),
                entry.begin() < end ? "overlapping" : "leaving a hole after",
                end));
      }
      end = entry.end();
    }
    if (end != dataBytes) {
      throw invalid(
          file,
          String.format(
              "%s: header names %s bytes, file has %s; copy or download it again",
              end > dataBytes ? "truncated" : "too long", end, dataBytes));
    }
  }

  private static String found(JsonNode node, String key) {
    return node.path(key).isMissingNode() ? "nothing" : PrintableText.excerpt(node.path(key));
  }

  private static String tensor(String name) {
    return "tensor '" + PrintableText.excerpt(name) + "': ";
  }

  static InvalidInputException invalid(Path file, String problem) {
    return new InvalidInputException(file + ": " + problem);
  }
}
