package dev.linformer.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.jar.JarFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is in the jars that the build has packaged. */
class JarsIT {

  private static final Path ROOT = Path.of("..");

  private static JarFile open(String artifact, String kind) throws IOException {
    String version = System.getProperty("linformer.version");
    Path jar =
        ROOT.resolve(artifact)
            .resolve("target")
            .resolve("%s-%s%s.jar".formatted(artifact, version, kind));
    assumeTrue(Files.isRegularFile(jar), jar + ": not packaged");
    return new JarFile(jar.toFile());
  }

  /** Those of sources and Javadoc, which only a release has, tools/reproducible.sh looks into. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "linformer-ops",
        "linformer-ops-tests",
        "linformer-model",
        "linformer-export",
        "linformer-export-tests",
        "linformer-visual",
        "linformer-bench",
        "linformer-cli"
      })
  void haveTheLicence(String name) throws IOException {
    String artifact = name.replace("-tests", "");
    try (JarFile jar = open(artifact, name.substring(artifact.length()))) {
      for (String file : new String[] {"LICENSE", "NOTICE"}) {
        var entry = jar.getEntry("META-INF/" + file);
        assertNotNull(entry, file);
        try (InputStream in = jar.getInputStream(entry)) {
          assertArrayEquals(Files.readAllBytes(ROOT.resolve(file)), in.readAllBytes(), file);
        }
      }
    }
  }

  @Test
  void theProgramMayLoadNatives() throws IOException {
    try (JarFile jar = open("linformer-cli", "")) {
      var manifest = jar.getManifest().getMainAttributes();
      assertEquals("ALL-UNNAMED", manifest.getValue("Enable-Native-Access"));
      assertEquals("dev.linformer.cli.Main", manifest.getValue("Main-Class"));
    }
  }
}
