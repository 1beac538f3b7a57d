package dev.linformer.cli;

import java.util.concurrent.CountDownLatch;

/**
 * Ctrl-C, or another signal that ends the process, as a wish: the process stays until what was
 * being done has come to an end in good order.
 */
final class StopSignal {

  private final CountDownLatch inOrder = new CountDownLatch(1);
  private final Thread hook;

  /**
   * @param wish called when the signal comes, from another thread
   */
  StopSignal(Runnable wish) {
    hook =
        new Thread(
            () -> {
              wish.run();
              awaitOrder();
            });
    Runtime.getRuntime().addShutdownHook(hook);
  }

  private void awaitOrder() {
    try {
      inOrder.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** From now on the process may end at any time. */
  void release() {
    inOrder.countDown();
    try {
      Runtime.getRuntime().removeShutdownHook(hook);
    } catch (IllegalStateException e) {
      // The process is being shut down: the hook is running.
      return;
    }
  }
}
