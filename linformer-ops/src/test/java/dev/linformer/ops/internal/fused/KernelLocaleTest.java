package dev.linformer.ops.internal.fused;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.linformer.ops.ArabicDigits;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The text of a kernel is code: no locale has a say in it. */
class KernelLocaleTest {

  private static List<String> texts() {
    List<String> texts = new ArrayList<>();
    for (String element : List.of("f32", "bf16")) {
      var kernels = new AttentionTiling(element, 2, 3, 101, 37, 19, 23, false, true);
      texts.add(AttentionForwardKernel.text(kernels, "forward"));
      texts.add(AttentionQueryGradientKernel.text(kernels, "by_rows"));
      texts.add(AttentionKeyGradientKernel.text(kernels, "by_keys"));
    }
    NormKernelTexts.all().values().forEach(kernel -> texts.add(kernel.text()));
    texts.sort(null);
    return texts;
  }

  @Test
  void textsAreTheSameEverywhere() throws Exception {
    List<String> expected = texts();
    List<String> found = ArabicDigits.call(KernelLocaleTest::texts);
    assertEquals(expected.size(), found.size());
    for (int i = 0; i < expected.size(); i++) {
      assertEquals(expected.get(i), found.get(i));
    }
  }
}
