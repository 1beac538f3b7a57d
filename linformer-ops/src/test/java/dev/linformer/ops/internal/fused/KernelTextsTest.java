package dev.linformer.ops.internal.fused;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * The text of the norms' and GELU's kernels to the byte. A change here is a change of what a GPU
 * runs, which the tests of a CPU can't measure: see it on a GPU before the digest is replaced.
 */
class KernelTextsTest {

  @Test
  void areWhatWasMeasured() throws Exception {
    List<String> texts = new ArrayList<>();
    for (String element : List.of("f32", "bf16")) {
      for (int rows : new int[] {1, 37, 4_096}) {
        for (int columns : new int[] {1, 24, 64, 300, 8_192}) {
          for (boolean biased : new boolean[] {false, true}) {
            for (boolean residual : new boolean[] {false, true}) {
              var norm = new NormKernels(element, rows, columns, residual, biased);
              texts.add(norm.forward("norm"));
              texts.add(norm.backward("norm_gradient"));
            }
            var gelu = new GeluKernels(element, rows, columns, biased);
            texts.add(gelu.forward("gelu"));
            texts.add(gelu.backward("gelu_gradient"));
            texts.add(new GeluProductKernel(rows, columns, 24, biased).forward("product"));
          }
        }
      }
    }
    MessageDigest digest = MessageDigest.getInstance("SHA-256");
    texts.forEach(text -> digest.update(text.getBytes(StandardCharsets.UTF_8)));
    assertEquals(
        "25f9febdc8d8a9f4d9f5996d4a2bc0e9f3538b6a8ffb5455ddf0e26cc3fa64dc",
        HexFormat.of().formatHex(digest.digest()));
  }
}
