package dev.linformer.model.internal.weights;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** Safetensors files put together by hand, right or wrong. */
final class SafetensorsBytes {
  private SafetensorsBytes() {}

  /** Writes a header and so many zero bytes of data. */
  static Path write(Path dir, String header, int dataBytes) throws IOException {
    byte[] json = header.getBytes(StandardCharsets.UTF_8);
    return write(dir, json.length, json, dataBytes);
  }

  static Path write(Path dir, long statedLength, byte[] header, int dataBytes) throws IOException {
    ByteBuffer bytes =
        ByteBuffer.allocate(Long.BYTES + header.length + dataBytes).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putLong(statedLength).put(header);
    return Files.write(dir.resolve("hand.safetensors"), bytes.array());
  }
}
