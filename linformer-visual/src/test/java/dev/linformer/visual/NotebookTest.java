package dev.linformer.visual;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.linformer.model.train.TrainingListener;
import dev.linformer.model.train.TrainingListener.StepReport;
import java.awt.image.BufferedImage;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.tensorflow.Graph;
import org.tensorflow.Session;

class NotebookTest {

  /** What a kernel was told, in order. */
  private final List<String> shown = new ArrayList<>();

  private final List<Object> things = new ArrayList<>();
  private final List<String> closed = new ArrayList<>();

  private Notebook start() {
    return Notebook.start(
        what -> {
          things.add(what);
          shown.add("new " + things.size());
          return "id " + things.size();
        },
        (id, what) -> {
          things.add(what);
          shown.add("update " + id);
        });
  }

  private AutoCloseable thing(String name) {
    return () -> closed.add(name);
  }

  @Test
  void aCellThatIsRunAgainClosesTheNewestFirst() {
    Notebook notebook = start();
    notebook.cell("train");
    AutoCloseable graph = thing("graph");
    assertSame(graph, notebook.keep(graph));
    notebook.keep(thing("session"));
    assertEquals(2, notebook.kept());
    notebook.cell("train");
    assertEquals(List.of("session", "graph"), closed);
    assertEquals(0, notebook.kept());
    notebook.cell("train");
    assertEquals(2, closed.size());
  }

  /** What a later cell opened may depend on it; what an earlier one did, doesn't. */
  @Test
  void laterCellsAreClosedToo() {
    Notebook notebook = start();
    notebook.cell("first");
    notebook.keep(thing("first"));
    notebook.cell("second");
    notebook.keep(thing("second"));
    notebook.cell("third");
    notebook.keep(thing("third"));
    notebook.cell("second");
    notebook.keep(thing("second again"));
    assertEquals(List.of("third", "second"), closed);
    assertEquals(2, notebook.kept());
    notebook.cell("first");
    assertEquals(List.of("third", "second", "second again", "first"), closed);
  }

  @Test
  void aNewNotebookEndsTheOldOne() {
    Notebook old = start();
    old.keep(thing("without a cell"));
    old.cell("a");
    old.keep(thing("a"));
    Notebook next = start();
    assertEquals(List.of("a", "without a cell"), closed);
    assertEquals(0, next.kept());
  }

  /** A graph waits for its sessions, so this would hang in the wrong order. */
  @Test
  void graphsAndSessionsEnd() {
    Notebook notebook = start();
    notebook.cell("graph");
    Graph graph = notebook.keep(new Graph());
    notebook.cell("session");
    notebook.keep(new Session(graph));
    notebook.cell("graph");
    assertEquals(0, notebook.kept());
    assertThrows(IllegalStateException.class, graph::toGraphDef);
  }

  @Test
  void whatCannotBeClosedIsNamed() {
    Notebook notebook = start();
    notebook.cell("bad");
    notebook.keep(
        () -> {
          throw new IllegalArgumentException("no");
        });
    Exception failure = assertThrows(IllegalStateException.class, () -> notebook.cell("bad"));
    assertEquals("what cell bad kept can't be closed", failure.getMessage());
    notebook.cell("bad"); // it is not tried twice
  }

  @Test
  void placesChangeInPlace() {
    Notebook notebook = start();
    Notebook.OutputArea one = notebook.place();
    assertTrue(one.isDue());
    one.show("a");
    notebook.show("b");
    one.show("c");
    notebook.place().show("d");
    assertEquals(List.of("new 1", "new 2", "update id 1", "new 4"), shown);
    assertEquals(List.of("a", "b", "c", "d"), things);
  }

  @Test
  void lossCurveIsOnePictureAndOneLine() throws Exception {
    TrainingListener curve = start().lossCurve("a title");
    for (int step = 1; step <= 500; step++) {
      curve.onStep(new StepReport(step, 500, 3.0 / step, 0.5, 0.1, 1, 8, 0));
    }
    assertEquals(2, shown.stream().filter(each -> each.startsWith("new")).count());
    // Twice a second at most, and at the end.
    assertTrue(shown.size() < 40, shown::toString);
    assertEquals("500 of 500  loss 0.006", things.get(things.size() - 1));
    assertInstanceOf(BufferedImage.class, things.get(things.size() - 2));
  }
}
