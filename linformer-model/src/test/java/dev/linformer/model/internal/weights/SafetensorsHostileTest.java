package dev.linformer.model.internal.weights;

import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.linformer.io.InvalidInputException;
import dev.linformer.model.internal.weights.SafetensorsWriter.Tensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.DataBuffers;

/** Files that are damaged, or were made to harm. */
class SafetensorsHostileTest {
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          not JSON             | {"w":             | 0 | the header: not valid JSON
          text behind it       | {} {}             | 0 | the header: not valid JSON
          an array             | []                | 0 | the header: a JSON object {…} is expected
          nothing              | ` `               | 0 | the header: a JSON object {…} is expected
          a tensor twice       | {"w":W,"w":W}     | 4 | Duplicate field 'w'
          a key twice          | {"w":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}} | 4 | Duplicate field 'dtype'
          metadata of numbers  | {"__metadata__":{"a":1}} | 0 | __metadata__ 'a' must be a string
          metadata as text     | {"__metadata__":"a"}     | 0 | __metadata__ must be an object
          an entry of text     | {"w":"F32"}       | 0 | tensor 'w': dtype must be one of the format's, found nothing
          no dtype             | {"w":{"shape":[1],"data_offsets":[0,4]}} | 4 | tensor 'w': dtype must be one of the format's, found nothing
          dtype a number       | {"w":{"dtype":32,"shape":[1],"data_offsets":[0,4]}} | 4 | dtype must be one of the format's, found 32
          dtype unknown        | {"w":{"dtype":"F31","shape":[1],"data_offsets":[0,4]}} | 4 | dtype must be one of the format's, found "F31"
          no shape             | {"w":{"dtype":"F32","data_offsets":[0,4]}} | 4 | tensor 'w': shape must be an array of integers from 0 to 2^63 - 1, found nothing
          shape of text        | {"w":{"dtype":"F32","shape":["1"],"data_offsets":[0,4]}} | 4 | tensor 'w': shape must be an array of integers
          shape of fractions   | {"w":{"dtype":"F32","shape":[1.0],"data_offsets":[0,4]}} | 4 | tensor 'w': shape must be an array of integers
          negative shape       | {"w":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}} | 4 | found [-1]
          shape above a long   | {"w":{"dtype":"F32","shape":[9223372036854775808],"data_offsets":[0,4]}} | 4 | found [9223372036854775808]
          shape overflows      | {"w":{"dtype":"F32","shape":[4294967296,4294967297],"data_offsets":[0,4]}} | 4 | tensor 'w': shape [4294967296,4294967297] overflows
          bytes overflow       | {"w":{"dtype":"F32","shape":[4611686018427387905],"data_offsets":[0,4]}} | 4 | overflows
          no offsets           | {"w":{"dtype":"F32","shape":[1]}} | 4 | tensor 'w': data_offsets must be an array of integers
          one offset           | {"w":{"dtype":"F32","shape":[1],"data_offsets":[4]}} | 4 | data_offsets must be [begin, end], found [4]
          three offsets        | {"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4,8]}} | 4 | data_offsets must be [begin, end]
          begin above end      | {"w":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}} | 4 | data_offsets must be [begin, end], found [4,0]
          negative begin       | {"w":{"dtype":"F32","shape":[1],"data_offsets":[-4,0]}} | 4 | found [-4,0]
          too few bytes        | {"w":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}} | 4 | tensor 'w': F32 of shape [2] does not fill the 4 bytes
          half a byte          | {"w":{"dtype":"F4","shape":[1],"data_offsets":[0,0]}} | 0 | tensor 'w': F4 of shape [1] does not fill the 0 bytes
          an overlap           | {"v":W,"w":W}     | 4 | tensor 'w': begins at byte 0 of the data, overlapping the tensor before it, which ends at 4
          a hole               | {"v":W,"w":{"dtype":"F32","shape":[1],"data_offsets":[5,9]}} | 9 | tensor 'w': begins at byte 5 of the data, leaving a hole after the tensor before it, which ends at 4
          a hole at the start  | {"w":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}} | 8 | leaving a hole
          outside              | {"w":{"dtype":"F32","shape":[2305843009213693951],"data_offsets":[0,9223372036854775804]}} | 4 | overflows
          too little data      | {"w":W}           | 3 | truncated: header names 4 bytes, file has 3
          too much data        | {"w":W}           | 5 | too long: header names 4 bytes, file has 5
          """)
  void refusesToOpen(String name, String header, int dataBytes, String message, @TempDir Path dir)
      throws IOException {
    String entry = "{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}";
    assertRefused(SafetensorsBytes.write(dir, header.replace("W", entry), dataBytes), message);
  }

  @Test
  void refusesAHeaderThatCannotBeThere(@TempDir Path dir) throws IOException {
    byte[] header = {'{', '}'};
    Path shortFile = Files.write(dir.resolve("short"), new byte[7]);
    assertRefused(shortFile, "no safetensors file: 7 bytes");
    assertRefused(
        SafetensorsBytes.write(dir, -1, header, 0), "a header of 18446744073709551615 bytes");
    assertRefused(
        SafetensorsBytes.write(dir, 100_000_001, header, 0), "a header of 100000001 bytes");
    assertRefused(
        SafetensorsBytes.write(dir, 3, header, 0),
        "truncated: a header of 3 bytes runs past the end of the file, 10 bytes long");
    assertRefused(
        SafetensorsBytes.write(dir, 2, new byte[] {'"', (byte) 0xff}, 0),
        "line 1 is no text in UTF-8");
    String nested = "{\"a\":" + "[".repeat(100_000);
    assertRefused(SafetensorsBytes.write(dir, nested, 0), "nested deeper than 100 levels");
  }

  @Test
  void damageIsRefusedOrReadsAsAValidFile(@TempDir Path dir) throws IOException {
    Path path = dir.resolve("model.safetensors");
    SafetensorsWriter.write(
        path,
        Map.of("format", "pt"),
        List.of(
            new Tensor("v", Shape.of(2, 3), DataBuffers.ofFloats(6)),
            new Tensor("w", Shape.of(5), DataBuffers.ofFloats(5))));
    byte[] whole = Files.readAllBytes(path);
    Random random = new Random(11);
    int refused = 0;
    for (int i = 0; i < 500; i++) {
      Files.write(path, Damage.of(whole, random, i));
      refused += opensAndReads(path) ? 0 : 1;
    }
    assertTrue(refused > 250, "all truncations and more: " + refused);
  }

  private static boolean opensAndReads(Path path) {
    try (SafetensorsFile file = SafetensorsFile.open(path)) {
      for (String name : file.names()) {
        file.read(name, DataBuffers.ofFloats(file.shape(name).size()));
      }
      return true;
    } catch (InvalidInputException | IOException e) {
      return false;
    }
  }

  private static void assertRefused(Path path, String message) {
    InvalidInputException e =
        assertThrows(InvalidInputException.class, () -> SafetensorsFile.open(path).close());
    String found = String.valueOf(e.getMessage());
    assertTrue(found.startsWith(path + ": ") && found.contains(message), found);
  }
}
