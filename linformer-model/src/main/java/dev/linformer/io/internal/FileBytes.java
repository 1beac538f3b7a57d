package dev.linformer.io.internal;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import org.tensorflow.ndarray.buffer.FloatDataBuffer;

/** What the formats need of the file system: exact reads and whole writes. */
public final class FileBytes {
  /** Bytes moved at once; a multiple of every element's size. */
  public static final int CHUNK = 1 << 20;

  /** Bytes one after the other. */
  public interface ByteSource {
    /**
     * Fills {@code target} up to its limit with the next bytes, and flips it.
     *
     * @throws EOFException if there are too few
     */
    void fill(ByteBuffer target) throws IOException;
  }

  private FileBytes() {}

  /** A file from a position on. */
  public static ByteSource from(FileChannel channel, long begin) {
    return new ByteSource() {
      private long position = begin;

      @Override
      public void fill(ByteBuffer target) throws IOException {
        FileBytes.fill(channel, position, target);
        position += target.limit();
      }
    };
  }

  /** The rest of a stream. */
  public static ByteSource from(InputStream stream) {
    return target -> {
      int wanted = target.remaining();
      int count =
          stream.readNBytes(target.array(), target.arrayOffset() + target.position(), wanted);
      if (count < wanted) {
        throw new EOFException("ends " + (wanted - count) + " bytes too early");
      }
      target.position(target.limit()).flip();
    };
  }

  public static ByteBuffer littleEndian(int bytes) {
    return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  /**
   * Fills {@code target} up to its limit with the bytes from {@code position} on, and flips it.
   *
   * @throws EOFException if the file ends before
   */
  public static void fill(FileChannel channel, long position, ByteBuffer target)
      throws IOException {
    long next = position;
    while (target.hasRemaining()) {
      int count = channel.read(target, next);
      if (count < 0) {
        throw new EOFException("the file became shorter while it was read: ends at byte " + next);
      }
      next += count;
    }
    target.flip();
  }

  public static void drain(ByteBuffer source, FileChannel channel) throws IOException {
    while (source.hasRemaining()) {
      channel.write(source);
    }
  }

  /** Writes values in their order, little-endian. */
  public static void drain(FloatDataBuffer source, FileChannel channel) throws IOException {
    int most = (int) Math.min(source.size(), CHUNK / Float.BYTES);
    ByteBuffer bytes = littleEndian(most * Float.BYTES);
    float[] values = new float[most];
    for (long done = 0; done < source.size(); ) {
      int count = (int) Math.min(most, source.size() - done);
      source.offset(done).read(values, 0, count);
      bytes.clear().limit(count * Float.BYTES);
      bytes.asFloatBuffer().put(values, 0, count);
      drain(bytes, channel);
      done += count;
    }
  }
}
