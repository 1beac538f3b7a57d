package dev.linformer.export;

import com.google.protobuf.CodedOutputStream;
import com.google.protobuf.MessageLite;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;

/** Protocol buffers as files. */
final class ProtobufFile {

  private ProtobufFile() {}

  /**
   * Writes a message. Equal messages become equal bytes: the entries of a map are written in the
   * order of their keys, and not as they come, which TensorFlow changes from process to process.
   */
  static void write(MessageLite message, Path file) throws IOException {
    try (OutputStream out = Files.newOutputStream(file)) {
      CodedOutputStream coded = CodedOutputStream.newInstance(out);
      coded.useDeterministicSerialization();
      message.writeTo(coded);
      coded.flush();
    }
  }
}
