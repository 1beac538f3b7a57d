package dev.linformer.model.data;

import java.util.List;
import java.util.OptionalLong;

/** The expressions of a {@link ListOpsTask}, all of them in memory. */
final class ListOpsData implements TaskData {

  private static final long OTHER_SEED = 20_000_003;

  private final ListOpsTask task;
  private final ListOpsSplits splits;
  private final ExampleData data;
  private final int inputSize;

  ListOpsData(ListOpsTask task, int inputSize) {
    this.task = task;
    this.inputSize = inputSize;
    splits = task.splits();
    data =
        new ExampleData(splits.train(), splits.validation(), splits.test(), inputSize, task.seed());
  }

  @Override
  public Batch train(long index, int size) {
    return data.train(index, size);
  }

  @Override
  public long examplesPerEpoch() {
    return data.examplesPerEpoch();
  }

  @Override
  public Iterable<Batch> validation(int size) {
    return data.validation(size);
  }

  @Override
  public TestSet test(int size) {
    return heldOut(splits.test(), size);
  }

  @Override
  public TestSet fresh(OptionalLong seed, int size) {
    return heldOut(task.fresh(splits, seed.orElse(OTHER_SEED)), size);
  }

  @Override
  public List<String> remarks() {
    return List.of(
        "%s tokens and %s classes of the task %s"
            .formatted(ListOps.VOCABULARY_SIZE, ListOps.CLASSES, ListOpsTask.NAME));
  }

  private TestSet heldOut(List<Example> examples, int size) {
    ListOpsBaselines baselines = ListOpsBaselines.measure(splits.train(), examples);
    return new TestSet(
        TokenBatches.inOrder(examples, size, inputSize),
        List.of(
            new Baseline("majority_class_accuracy", "majority class", baselines.majority()),
            new Baseline("root_operator_accuracy", "root operator alone", baselines.rootOperator()),
            new Baseline(
                "root_literals_accuracy",
                "root operator and its own digits",
                baselines.rootLiterals())),
        0);
  }
}
