package dev.linformer.ops.internal.fused;

import dev.linformer.ops.internal.fused.NormKernelTexts.Kernel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;

/** Writes kernels of some sizes into a folder, for {@code tools/kernels/compile.py}. */
public final class KernelTexts {

  private KernelTexts() {}

  /**
   * @param arguments the folder
   */
  public static void main(String[] arguments) throws IOException {
    if (arguments.length != 1) {
      throw new IllegalArgumentException("one argument expected: the folder for the kernels");
    }
    Path folder = Files.createDirectories(Path.of(arguments[0]));
    for (String element : new String[] {"f32", "bf16"}) {
      int widest = element.equals("f32") ? 64 : 128;
      Map<String, AttentionTiling> sizes =
          new TreeMap<>(
              Map.of(
                  "few", new AttentionTiling(element, 1, 4, 65_536, 128, 64, 64, true, true),
                  "many", new AttentionTiling(element, 8, 12, 4096, 1024, 64, 64, false, false),
                  "kept", new AttentionTiling(element, 1, 12, 65_536, 256, 64, 64, false, false),
                  "odd", new AttentionTiling(element, 2, 3, 101, 37, 19, 23, false, true),
                  "wide",
                      new AttentionTiling(element, 1, 4, 4096, 128, widest, widest, false, false),
                  "sums",
                      new AttentionTiling(element, 1, 4, 4096, 256, widest, widest, true, true)));
      for (var each : sizes.entrySet()) {
        String name = each.getKey() + "_" + element;
        AttentionTiling kernels = each.getValue();
        write(
            folder,
            name + "_forward",
            new Kernel(
                AttentionForwardKernel.text(kernels, "attention"),
                kernels.forwardBlock().warps(),
                kernels.forwardStages()));
        write(
            folder,
            name + "_by_rows",
            new Kernel(
                AttentionQueryGradientKernel.text(kernels, "attention_by_rows"),
                kernels.rowBlock().warps(),
                kernels.rowStages()));
        write(
            folder,
            name + "_by_keys",
            new Kernel(
                AttentionKeyGradientKernel.text(kernels, "attention_by_keys"),
                kernels.keyWarps(),
                kernels.keyStages()));
      }
    }
    for (var norm : NormKernelTexts.all().entrySet()) {
      write(folder, norm.getKey(), norm.getValue());
    }
  }

  private static void write(Path folder, String name, Kernel kernel) throws IOException {
    String head = "// warps = %s, stages = %s\n".formatted(kernel.warps(), kernel.stages());
    Files.writeString(folder.resolve(name + ".ttir"), head + kernel.text());
  }
}
