package dev.linformer.visual;

import dev.linformer.model.train.Evaluation;
import dev.linformer.model.train.TrainingListener;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Locale;
import java.util.function.BiConsumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * What a Jupyter notebook with a Java kernel needs besides: pictures and lines that change in
 * place, and an end for the graphs and sessions of a cell that is run again, since variables of a
 * notebook are never closed.
 *
 * <p>It knows the kernel by two of its functions, which IJava and JJava both have:
 *
 * <pre>{@code
 * Notebook notebook = Notebook.start(what -> display(what), (id, what) -> updateDisplay(id, what));
 * }</pre>
 *
 * <p>For the one thread that runs cells.
 */
public final class Notebook {

  private static final long BETWEEN_UPDATES = 500_000_000; // ns

  /** What a cell keeps open, or where it began. */
  private record Kept(String cell, @Nullable AutoCloseable resource) {}

  private static @Nullable Notebook current;

  private final Function<Object, String> display;
  private final BiConsumer<String, Object> update;
  private final Deque<Kept> open = new ArrayDeque<>(); // the newest first
  private String cell = "";

  private Notebook(Function<Object, String> display, BiConsumer<String, Object> update) {
    this.display = display;
    this.update = update;
  }

  /**
   * Begins a notebook. One that was begun before, by an earlier run of the same cell, is ended with
   * all that it holds.
   *
   * @param display shows something and returns its id
   * @param update shows something in the place of what has that id
   */
  public static synchronized Notebook start(
      Function<Object, String> display, BiConsumer<String, Object> update) {
    if (current != null) {
      current.closeTo(null);
    }
    current = new Notebook(display, update);
    return current;
  }

  /**
   * Stands first in a cell that opens something. Run again, it closes what the cell opened the last
   * time, and what was opened by other cells since then, for that may depend on it: the newest
   * first, so that sessions end before their graphs.
   *
   * @param name of the cell, unlike all others of the notebook
   */
  public void cell(String name) {
    if (open.stream().anyMatch(kept -> kept.cell.equals(name))) {
      closeTo(name);
    }
    cell = name;
    open.push(new Kept(name, null));
  }

  /**
   * Keeps something open until its cell is run again.
   *
   * @param resource a graph, a session, or whatever else has to be closed
   * @return {@code resource}
   */
  public <T extends AutoCloseable> T keep(T resource) {
    open.push(new Kept(cell, resource));
    return resource;
  }

  /** How many things are open. */
  public int kept() {
    return (int) open.stream().filter(kept -> kept.resource != null).count();
  }

  /** Closes down to where a cell began; null for all. */
  private void closeTo(@Nullable String name) {
    while (!open.isEmpty()) {
      Kept newest = open.pop();
      if (newest.resource == null && newest.cell.equals(name)) {
        return;
      }
      close(newest);
    }
  }

  private static void close(Kept kept) {
    if (kept.resource == null) {
      return;
    }
    try {
      kept.resource.close();
    } catch (Exception e) {
      throw new IllegalStateException("what cell %s kept can't be closed".formatted(kept.cell), e);
    }
  }

  /**
   * Shows something below what is shown already.
   *
   * @param what an image, a text, or whatever else the kernel knows to show
   */
  public void show(Object what) {
    place().show(what);
  }

  /** A place in a cell's output whose content changes. */
  public final class OutputArea {
    private @Nullable String id;
    private long shown;

    private OutputArea() {}

    /**
     * Shows something in the place of what was there.
     *
     * @param what as {@link Notebook#show} takes it
     */
    public void show(Object what) {
      shown = System.nanoTime();
      if (id == null) {
        id = display.apply(what);
      } else {
        update.accept(id, what);
      }
    }

    /** Whether nothing was shown for half a second: more often, nobody can look. */
    public boolean isDue() {
      return id == null || System.nanoTime() - shown > BETWEEN_UPDATES;
    }
  }

  /** A new place below what is shown already. */
  public OutputArea place() {
    return new OutputArea();
  }

  /**
   * Says how much is done, in a line that changes in place.
   *
   * @param line from {@link #place}
   * @param done so far
   * @param of in the end
   * @param words behind the numbers
   */
  public void progress(OutputArea line, int done, int of, String words) {
    if (line.isDue() || done == of) {
      line.show(String.format(Locale.ROOT, "%d of %d  %s", done, of, words));
    }
  }

  /**
   * A loss curve that grows while it is computed, and a line below it.
   *
   * @param title above the picture
   */
  public TrainingListener lossCurve(String title) {
    return new LossCurve(title);
  }

  private final class LossCurve implements TrainingListener {
    private static final int POINTS = 100;

    private final Curves curves;
    private final OutputArea picture = place();
    private final OutputArea line = place();
    private double sum;
    private int count;

    LossCurve(String title) {
      curves = new Curves("step", "loss, nats").title(title).size(720, 400);
    }

    @Override
    public void onStep(StepReport report) {
      sum += report.loss();
      count++;
      boolean end = report.step() == report.steps();
      if (count >= Math.max(1, report.steps() / POINTS) || end) {
        curves.add("loss", report.step(), sum / count);
        sum = 0;
        count = 0;
        if (picture.isDue() || end) {
          picture.show(curves.draw());
        }
      }
      progress(
          line,
          report.step(),
          report.steps(),
          String.format(Locale.ROOT, "loss %.3f", report.loss()));
    }

    @Override
    public void onEvaluation(int step, Evaluation evaluation) {
      curves.add("loss on the validation examples", step, evaluation.loss());
    }
  }
}
