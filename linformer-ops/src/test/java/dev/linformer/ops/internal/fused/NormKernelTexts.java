package dev.linformer.ops.internal.fused;

import java.util.Map;
import java.util.TreeMap;

/** Kernels of norms, of GELU and of it with a product, of some sizes. */
public final class NormKernelTexts {

  private NormKernelTexts() {}

  /** A text, the warps of a program, and one more than the turns by which loads are ahead. */
  public record Kernel(String text, int warps, int stages) {}

  /** Those kernels by name. */
  public static Map<String, Kernel> all() {
    Map<String, Kernel> all = new TreeMap<>();
    for (String element : new String[] {"f32", "bf16"}) {
      for (int c : new int[] {1, 64, 768, 8192}) {
        for (boolean sum : new boolean[] {false, true}) {
          var kernels = new NormKernels(element, 1009, c, sum, sum);
          String name = "norm%s_%s_%s".formatted(sum ? "_of_sum" : "", c, element);
          all.put(
              name + "_forward",
              new Kernel(kernels.forward("layer_norm"), kernels.forwardWarps(), 1));
          all.put(
              name + "_backward",
              new Kernel(kernels.backward("layer_norm_gradient"), kernels.backwardWarps(), 1));
        }
      }
      for (int f : new int[] {61, 3072}) {
        var kernels = new GeluKernels(element, 4099, f, true);
        String name = "gelu_%s_%s".formatted(f, element);
        all.put(name + "_forward", new Kernel(kernels.forward("gelu"), GeluKernels.WARPS, 1));
        all.put(
            name + "_backward",
            new Kernel(kernels.backward("gelu_gradient"), GeluKernels.WARPS, 1));
      }
    }
    for (boolean biased : new boolean[] {false, true}) {
      var kernel = new GeluProductKernel(4099, biased ? 768 : 61, biased ? 3072 : 61, biased);
      all.put(
          "product_gelu_%s".formatted(kernel.f()),
          new Kernel(
              kernel.forward("product_gelu"), GeluProductKernel.WARPS, GeluProductKernel.STAGES));
    }
    return all;
  }
}
