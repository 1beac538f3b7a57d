package dev.linformer.ops;

import java.util.Map;
import java.util.TreeMap;

/** Kernels of norms and of GELU, of some sizes. */
public final class NormKernelTexts {

  private NormKernelTexts() {}

  /** Their texts by name. All have 8 warps. */
  public static Map<String, String> all() {
    Map<String, String> texts = new TreeMap<>();
    for (String element : new String[] {"f32", "bf16"}) {
      for (int c : new int[] {1, 64, 768, 8192}) {
        for (boolean sum : new boolean[] {false, true}) {
          var kernels = new NormKernels(element, 1009, c, sum, sum);
          String name = "norm%s_%d_%s".formatted(sum ? "_of_sum" : "", c, element);
          texts.put(name + "_forward", kernels.forward("layer_norm"));
          texts.put(name + "_backward", kernels.backward("layer_norm_gradient"));
        }
      }
      for (int f : new int[] {61, 3072}) {
        var kernels = new GeluKernels(element, 4099, f, true);
        texts.put("gelu_%d_%s_forward".formatted(f, element), kernels.forward("gelu"));
        texts.put("gelu_%d_%s_backward".formatted(f, element), kernels.backward("gelu_gradient"));
      }
    }
    return texts;
  }
}
