package dev.linformer.model.data;

import java.io.Closeable;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;

/** A long row of tokens on disk, of which any part can be read by any thread. */
interface TokenStore extends Closeable {

  /** Number of tokens. */
  long size();

  /** Reads {@code count} tokens from {@code from} on to {@code into[at]} and behind. */
  void read(long from, int[] into, int at, int count) throws IOException;

  /** Files one behind the other, a token a byte. None is held open. */
  final class Bytes implements TokenStore {
    private final List<TextFiles.Part> files;
    private final long[] ends;

    /**
     * @param files at least one that isn't empty
     */
    Bytes(List<TextFiles.Part> files) {
      // An empty one has no token that could be asked for.
      this.files = files.stream().filter(part -> part.size() > 0).toList();
      this.ends = this.files.stream().mapToLong(TextFiles.Part::size).toArray();
      Arrays.parallelPrefix(ends, Long::sum);
    }

    @Override
    public long size() {
      return ends[ends.length - 1];
    }

    @Override
    public void read(long from, int[] into, int at, int count) throws IOException {
      int file = Arrays.binarySearch(ends, from + 1);
      file = file < 0 ? -file - 1 : file;
      int done = 0;
      while (done < count) {
        long start = file == 0 ? 0 : ends[file - 1];
        int part = (int) Math.min(count - done, ends[file] - (from + done));
        ByteBuffer bytes = ByteBuffer.allocate(part);
        TextFiles.Part text = files.get(file);
        try (FileChannel channel = FileChannel.open(text.file())) {
          fill(channel, bytes, text.mark() + from + done - start, text.file().toString());
        }
        for (int i = 0; i < part; i++) {
          into[at + done + i] = Byte.toUnsignedInt(bytes.get(i));
        }
        done += part;
        file++;
      }
    }

    @Override
    public void close() {}
  }

  /**
   * A file of two bytes a token that has no name any more: it is gone with the process, however
   * that ends. It lies in the folder {@code java.io.tmpdir}.
   */
  final class Encoded implements TokenStore {
    private static final int WIDTH = Character.BYTES;

    private final FileChannel channel;
    private final ByteBuffer pending = ByteBuffer.allocate(1 << 16);
    private long size;

    Encoded() throws IOException {
      channel =
          FileChannel.open(
              Files.createTempFile("linformer", ".tokens"),
              StandardOpenOption.READ,
              StandardOpenOption.WRITE,
              StandardOpenOption.DELETE_ON_CLOSE);
    }

    /** Appends tokens; before the first read. */
    void append(int[] tokens) throws IOException {
      for (int token : tokens) {
        if (!pending.hasRemaining()) {
          flush();
        }
        pending.putChar((char) token);
      }
      size += tokens.length;
    }

    /** To be called behind the last token. */
    void flush() throws IOException {
      pending.flip();
      while (pending.hasRemaining()) {
        channel.write(pending);
      }
      pending.clear();
    }

    @Override
    public long size() {
      return size;
    }

    @Override
    public void read(long from, int[] into, int at, int count) throws IOException {
      ByteBuffer bytes = ByteBuffer.allocate(count * WIDTH);
      fill(channel, bytes, from * WIDTH, "the file of tokens");
      bytes.flip();
      for (int i = 0; i < count; i++) {
        into[at + i] = bytes.getChar();
      }
    }

    @Override
    public void close() throws IOException {
      channel.close();
    }
  }

  private static void fill(FileChannel channel, ByteBuffer bytes, long position, String name)
      throws IOException {
    long from = position;
    while (bytes.hasRemaining()) {
      int read = channel.read(bytes, from);
      if (read < 0) {
        throw new EOFException(name + " is shorter than it was when it was opened");
      }
      from += read;
    }
  }
}
