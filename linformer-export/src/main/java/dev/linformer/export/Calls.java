package dev.linformer.export;

/**
 * The calls of something that can be closed, from any number of threads. Closing refuses new ones
 * at once and waits for those under way, so that it ends however many there would be.
 */
final class Calls {

  private int underWay;
  private boolean closed;

  /**
   * Begins a call, which {@link #leave} ends.
   *
   * @throws IllegalStateException if it was closed
   */
  synchronized void enter() {
    if (closed) {
      throw new IllegalStateException("closed: no call is possible any more");
    }
    underWay++;
  }

  synchronized void leave() {
    underWay--;
    notifyAll();
  }

  /**
   * Closes; nothing happens the second time.
   *
   * @param release of what the calls use, when the last of them has ended
   */
  void close(Runnable release) {
    if (shut()) {
      release.run();
    }
  }

  private synchronized boolean shut() {
    if (closed) {
      return false;
    }
    closed = true;
    boolean interrupted = false;
    while (underWay > 0) {
      try {
        wait();
      } catch (InterruptedException e) {
        interrupted = true; // what is in use cannot be released
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
    return true;
  }
}
