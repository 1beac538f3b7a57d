package dev.linformer.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.EOFException;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import java.util.zip.ZipException;
import org.junit.jupiter.api.Test;
import org.tensorflow.Graph;
import org.tensorflow.Session;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;
import picocli.CommandLine;
import picocli.CommandLine.Command;

/** What a command that fails says: words, in a line, and never a class of Java's. */
class FailureTest {

  /** Commands that run out of something. */
  static final class Exhausting {

    @Command(name = "stack")
    static final class Stack implements Callable<Integer> {
      @Override
      public Integer call() {
        return depth(1);
      }

      private static int depth(int of) {
        return of == 0 ? 0 : depth(of + 1) + depth(of + 2);
      }
    }

    @Command(name = "heap")
    static final class Heap implements Callable<Integer> {
      @Override
      public Integer call() {
        long[][] all = new long[1 << 20][];
        for (int i = 0; i < all.length; i++) {
          all[i] = new long[Integer.MAX_VALUE - 8];
        }
        return all.length;
      }
    }

    @Command(name = "tensor")
    static final class Tensor implements Callable<Integer> {
      @Override
      public Integer call() {
        try (Graph graph = new Graph();
            Session session = new Session(graph)) {
          Ops tf = Ops.create(graph);
          var large = tf.random.randomUniform(tf.constant(new long[] {1L << 45}), TFloat32.class);
          session.runner().addTarget(large).run().close();
        }
        return 0;
      }
    }
  }

  private static String failed(Object command, String name) {
    StringWriter err = new StringWriter();
    CommandLine all = Main.commandLine().addSubcommand(command);
    int code = Main.run(all.setErr(new PrintWriter(err, true)), name);
    assertEquals(1, code, err::toString);
    assertEquals(1, err.toString().lines().count(), err::toString);
    assertFalse(err.toString().matches("(?s).*(Error|Exception|\\tat ).*"), err::toString);
    return err.toString();
  }

  @Test
  void whatRanOutIsSaidAndWhatWouldDo() {
    String stack = failed(new Exhausting.Stack(), "stack");
    assertTrue(stack.startsWith("linformer stack: something is nested too deeply"), stack);
    String heap = failed(new Exhausting.Heap(), "heap");
    assertTrue(heap.startsWith("linformer heap: out of memory (Java heap space); a sm"), heap);
    String tensor = failed(new Exhausting.Tensor(), "tensor");
    assertTrue(tensor.startsWith("linformer tensor: out of memory (OOM when allocating"), tensor);
  }

  @Test
  void reasonsAreInWords() throws IOException {
    assertEquals("/a: no such file or folder", said(new NoSuchFileException("/a")));
    assertEquals("/a: permission denied", said(new AccessDeniedException("/a")));
    assertEquals("it ends too early", said(new EOFException()));
    assertEquals("invalid header", said(new ZipException("invalid header")));
    try {
      StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(new byte[] {-1}));
    } catch (CharacterCodingException e) {
      assertEquals("it is no UTF-8 text", said(new UncheckedIOException(e)));
    }
    try {
      Files.newOutputStream(Path.of("/proc/\u001b[31m")).close();
    } catch (IOException e) {
      assertTrue(said(e).startsWith("/proc/\\u001b[31m: "), said(e));
    }
    assertEquals(
        "a library can't be loaded (no jnitensorflow); linformer doctor says what is missing",
        said(new UnsatisfiedLinkError("no jnitensorflow")));
    assertEquals("unexpected: integer overflow", said(new ArithmeticException("integer overflow")));
    assertEquals("unexpected: no reason is known", said(new IllegalStateException()));
  }

  private static String said(Throwable failure) {
    return ErrorMessage.of(failure).text();
  }
}
