package dev.linformer.model.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.linformer.model.LinformerClassifierConfig;
import dev.linformer.model.LinformerConfig;
import dev.linformer.model.Pooling;
import dev.linformer.model.Values;
import dev.linformer.model.data.Batch;
import dev.linformer.model.data.ListOps;
import dev.linformer.runtime.Sessions;
import dev.linformer.runtime.Toggle;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.tensorflow.Operand;
import org.tensorflow.Result;
import org.tensorflow.Session;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.DataBuffers;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt32;
import org.tensorflow.types.TInt64;

class TrainingGraphTest {

  private static double loss(TrainingGraph graph, Session session, Operand<?> loss, long step) {
    var batch = Tiny.batches(Tiny.examples()).iterator().next();
    Shape shape = Shape.of(Tiny.BATCH, 16);
    try (TInt32 tokens = TInt32.tensorOf(shape, DataBuffers.of(batch.tokens()));
        TInt32 labels = TInt32.vectorOf(batch.targets());
        TInt64 number = TInt64.scalarOf(step);
        Result result =
            session
                .runner()
                .feed(graph.batch.get("tokens"), tokens)
                .feed(graph.batch.get("targets"), labels)
                .feed(graph.step, number)
                .fetch(loss)
                .run()) {
      return Values.of(result.get(0))[0];
    }
  }

  @Test
  void dropoutIsAFunctionOfTheStep() {
    try (TrainingGraph graph =
            new TrainingGraph(
                Tiny.model(0.2), Tiny.OBJECTIVE, Tiny.trainer(10, 10, 1), false, false, null);
        Session session = Sessions.open(graph.graph, 1)) {
      session.initialize();
      Operand<TFloat32> training = graph.training.loss();
      Operand<TFloat32> evaluation = graph.evaluation.loss();
      double first = loss(graph, session, training, 1);
      assertEquals(first, loss(graph, session, training, 1));
      assertNotEquals(first, loss(graph, session, training, 2));
      double without = loss(graph, session, evaluation, 1);
      assertNotEquals(first, without);
      assertEquals(without, loss(graph, session, evaluation, 2));
    }
  }

  /** Masks of two trainings differ also where their weights are the same. */
  @Test
  void dropoutIsAFunctionOfTheSeed() {
    List<double[]> draws = new ArrayList<>();
    for (long seed = 1; seed <= 2; seed++) {
      try (TrainingGraph graph =
              new TrainingGraph(
                  Tiny.model(0.2), Tiny.OBJECTIVE, Tiny.trainer(10, 10, seed), false, false, null);
          Session session = Sessions.open(graph.graph, 1)) {
        session.initialize();
        loss(graph, session, graph.training.loss(), 1);
        List<Operand<TInt32>> random = new ArrayList<>();
        graph
            .graph
            .operations()
            .forEachRemaining(
                operation -> {
                  if (operation.type().startsWith("StatelessRandomUniform")
                      && random.isEmpty()
                      && !operation.name().contains("initial")) {
                    random.add(operation.<TInt32>output(0));
                  }
                });
        double sum = loss(graph, session, mean(graph, random.get(0)), 1);
        draws.add(new double[] {sum});
      }
    }
    assertNotEquals(draws.get(0)[0], draws.get(1)[0]);
  }

  private static Operand<TFloat32> mean(TrainingGraph graph, Operand<TInt32> draw) {
    Ops tf = Ops.create(graph.graph);
    return tf.math.mean(tf.dtypes.cast(draw, TFloat32.class), tf.constant(new int[] {0, 1, 2}));
  }

  @Test
  void withoutDropoutTrainingAndEvaluationSeeTheSame() {
    try (TrainingGraph graph =
            new TrainingGraph(
                Tiny.model(0), Tiny.OBJECTIVE, Tiny.trainer(10, 10, 1), false, false, null);
        Session session = Sessions.open(graph.graph, 1)) {
      session.initialize();
      assertEquals(
          loss(graph, session, graph.training.loss(), 1),
          loss(graph, session, graph.evaluation.loss(), 1));
    }
  }

  /** Nothing but the step is fed where the batch lies on the device. */
  @Test
  void aResidentBatchHasTheLossOfAFedOne() {
    Batch batch = Tiny.batches(Tiny.examples()).iterator().next();
    double expected;
    try (TrainingGraph graph =
            new TrainingGraph(
                Tiny.model(0.2), Tiny.OBJECTIVE, Tiny.trainer(10, 10, 1), false, false, null);
        Session session = Sessions.open(graph.graph, 1)) {
      session.initialize();
      expected = loss(graph, session, graph.training.loss(), 3);
    }
    try (TrainingGraph graph =
            new TrainingGraph(
                Tiny.model(0.2), Tiny.OBJECTIVE, Tiny.trainer(10, 10, 1), false, false, batch);
        Session session = Sessions.open(graph.graph, 1)) {
      session.initialize();
      try (TInt64 step = TInt64.scalarOf(3);
          Result result =
              session.runner().feed(graph.step, step).fetch(graph.training.loss()).run()) {
        assertEquals(expected, Values.of(result.get(0))[0], 1e-6);
      }
    }
  }

  /** Before anything is built: 2^20 sequences of 2^11 positions, or of 2^8 with 8 channels. */
  @Test
  void refusesBatchesThatGradientsCannotCount() {
    for (boolean xla : new boolean[] {true, false}) {
      int batch = 1 << 20;
      LinformerClassifierConfig model =
          LinformerClassifierConfig.builder(
                  LinformerConfig.builder(xla ? 1 << 11 : 1 << 8, 8, 4).heads(2).build(),
                  ListOps.VOCABULARY_SIZE,
                  ListOps.CLASSES)
              .pooling(Pooling.FIRST)
              .tokenDropout(0)
              .build();
      TrainerConfig trainer =
          TrainerConfig.builder(1).batchSize(batch).xla(xla ? Toggle.ON : Toggle.OFF).build();
      String message =
          Values.refusal(
              () -> new TrainingGraph(model, Tiny.OBJECTIVE, trainer, xla, false, null).close());
      assertTrue(
          message.startsWith("batch = %s, but at most %s is".formatted(batch, batch - 1)), message);
    }
  }

  /** One slot of each kind a weight, of its shape. */
  @Test
  void everyWeightHasItsSlots() {
    try (TrainingGraph graph =
        new TrainingGraph(
            Tiny.model(0), Tiny.OBJECTIVE, Tiny.trainer(10, 10, 1), false, false, null)) {
      List<String> expected = new ArrayList<>();
      for (var weight : graph.variables.weights()) {
        expected.add(weight.parameter().name() + ".m " + weight.parameter().shape());
        expected.add(weight.parameter().name() + ".v " + weight.parameter().shape());
      }
      List<String> found =
          graph.slots.weights().stream()
              .map(slot -> slot.parameter().name() + " " + slot.parameter().shape())
              .toList();
      assertEquals(expected, found);
    }
  }
}
