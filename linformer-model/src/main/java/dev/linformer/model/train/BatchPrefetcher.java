package dev.linformer.model.train;

import dev.linformer.model.data.Batch;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Prepares the batches of the next steps on a thread of its own while others are computed, in the
 * order in which they are asked for.
 */
final class BatchPrefetcher implements AutoCloseable {

  private static final int AHEAD = 4;
  private static final long PATIENCE_MS = 50;

  /** Makes the batches of a step, each a function of its number. */
  interface BatchSource {
    Batch batch(long index) throws IOException;
  }

  private record Prepared(@Nullable Batch batch, @Nullable Throwable failure) {}

  private final BlockingQueue<Prepared> queue = new ArrayBlockingQueue<>(AHEAD);
  private final Thread thread;
  private volatile boolean closed;

  /**
   * @param from number of the first batch
   * @param to number behind the last one
   */
  BatchPrefetcher(BatchSource source, long from, long to) {
    thread = new Thread(() -> prepare(source, from, to), "linformer-feeder");
    thread.setDaemon(true);
    thread.start();
  }

  private void prepare(BatchSource source, long from, long to) {
    for (long index = from; index < to && !closed; index++) {
      Prepared prepared;
      try {
        prepared = new Prepared(source.batch(index), null);
      } catch (IOException | RuntimeException | Error e) {
        prepared = new Prepared(null, e);
      }
      if (!offer(prepared) || prepared.failure != null) {
        return;
      }
    }
  }

  /** False if nobody wants it any more. An interrupt would close the files that are read. */
  private boolean offer(Prepared prepared) {
    try {
      while (!queue.offer(prepared, PATIENCE_MS, TimeUnit.MILLISECONDS)) {
        if (closed) {
          return false;
        }
      }
      return true;
    } catch (InterruptedException e) {
      return false;
    }
  }

  /**
   * The next batch; at most as many times as there are batches.
   *
   * @throws IOException what the source threw
   */
  Batch next() throws IOException {
    try {
      Prepared prepared = queue.take();
      if (prepared.failure instanceof IOException e) {
        throw e;
      }
      if (prepared.failure instanceof Error e) {
        throw e;
      }
      if (prepared.failure instanceof RuntimeException e) {
        throw e;
      }
      if (prepared.batch == null) {
        throw new IllegalStateException("the feeder made nothing");
      }
      return prepared.batch;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted while waiting for data", e);
    }
  }

  /** The next batches, in their order. */
  List<Batch> next(int number) throws IOException {
    List<Batch> batches = new ArrayList<>();
    for (int i = 0; i < number; i++) {
      batches.add(next());
    }
    return batches;
  }

  @Override
  public void close() {
    closed = true;
    queue.clear();
    try {
      thread.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
