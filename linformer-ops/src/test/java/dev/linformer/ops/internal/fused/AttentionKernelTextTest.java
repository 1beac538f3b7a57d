package dev.linformer.ops.internal.fused;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;

/**
 * The kernels' text to the byte. A change here is a change of what a GPU runs, which the tests of a
 * CPU can't measure: see it on a GPU before the digest is replaced.
 */
class AttentionKernelTextTest {

  @Test
  void isWhatWasMeasured() throws Exception {
    MessageDigest digest = MessageDigest.getInstance("SHA-256");
    AttentionKernelsTest.sizes()
        .flatMap(AttentionKernelsTest::inBothTypes)
        .forEach(
            kernels -> {
              digest.update(bytes(AttentionForwardKernel.text(kernels, "forward")));
              digest.update(bytes(AttentionQueryGradientKernel.text(kernels, "rows")));
              digest.update(bytes(AttentionKeyGradientKernel.text(kernels, "keys")));
            });
    assertEquals(
        "a005f44719c50e64472cd6f0ad9ab222f1ba615be2fa052289c592eead111665",
        HexFormat.of().formatHex(digest.digest()));
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }
}
