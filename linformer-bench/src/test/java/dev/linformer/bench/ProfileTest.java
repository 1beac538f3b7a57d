package dev.linformer.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.tensorflow.proto.DeviceStepStats;
import org.tensorflow.proto.NodeExecStats;
import org.tensorflow.proto.StepStats;

/** Lines as TensorFlow 2.18 traced them on two cores and on an H100. */
class ProfileTest {

  private static final DeviceStepStats OPERATIONS =
      device(
          "/job:localhost/replica:0/task:0/device:GPU:0",
          node("E.weight", "E.weight = VariableV2()", 6),
          node("MatMul_3", "[mklcpu 32.0MB 32.0MB] MatMul_3 = _MklMatMul(Reshape_12, E)", 10_470),
          node("_SOURCE", "", 6),
          node("MatMul", "MatMul = _MklMatMul(E.weight.value, Reshape_12)", 2_755));

  private static NodeExecStats node(String name, String label, long micros) {
    return NodeExecStats.newBuilder()
        .setNodeName(name)
        .setTimelineLabel(label)
        .setAllEndRelMicros(micros)
        .build();
  }

  private static DeviceStepStats device(String name, NodeExecStats... nodes) {
    return DeviceStepStats.newBuilder().setDevice(name).addAllNodeStats(List.of(nodes)).build();
  }

  private static List<Profile.OperationTime> rows(DeviceStepStats... devices) {
    return Profile.of(StepStats.newBuilder().addAllDevStats(List.of(devices)).build()).rows();
  }

  @Test
  void operationsOfATypeAreOneRow() {
    assertEquals(
        List.of(
            new Profile.OperationTime("_MklMatMul", 2, 13_225),
            new Profile.OperationTime("VariableV2", 1, 6),
            new Profile.OperationTime("_SOURCE", 1, 6)),
        rows(OPERATIONS));
  }

  @Test
  void whereThereAreKernelsTheyAreTheRows() {
    String run = "cluster_2_1/xla_run:_XlaRun";
    NodeExecStats[] kernels = {
      node(run, "attention__1 regs:208 static_shared:0 dynamic_shared:91136 grid:86,12,1", 185),
      node(run, "void cublasLt::splitKreduce_kernel<32, 16, int, float> regs:32 grid:1,1,1", 2),
      node(run, "attention__1 regs:208 static_shared:0 dynamic_shared:91136 grid:86,12,1", 186)
    };
    assertEquals(
        List.of(
            new Profile.OperationTime("attention__1", 2, 371),
            new Profile.OperationTime(
                "void cublasLt::splitKreduce_kernel<32, 16, int, float>", 1, 2),
            new Profile.OperationTime("MemcpyD2H", 1, 1)),
        rows(
            device("/device:GPU:0/sync", node("cuStreamSynchronize", "ThreadId 1", 2_874)),
            device("/device:GPU:0/stream:13", kernels),
            device("/device:GPU:0/stream:all", kernels),
            device(
                "/device:GPU:0/memcpy",
                node("_Send", "MemcpyD2H kind_src:device kind_dst:pinned size:4 dest:0", 1)),
            OPERATIONS));
  }

  @Test
  void nanosecondsCountWhereThereAreSome() {
    NodeExecStats node = node("x", "x = Add(y, z)", 1).toBuilder().setAllEndRelNanos(1_750).build();
    assertEquals(List.of(new Profile.OperationTime("Add", 1, 1.75)), rows(device("cpu", node)));
  }
}
