package dev.linformer.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;

/** The project in the folder consumer, outside this build, takes what the build has packaged. */
@EnabledIfSystemProperty(named = "maven.home", matches = ".+", disabledReason = "Maven says where")
class ConsumerIT {

  private static final Path ROOT = Path.of("..").toAbsolutePath().normalize();
  private static final String VERSION = System.getProperty("linformer.version", "");
  private static final List<String> JARS =
      List.of("linformer-ops", "linformer-model", "linformer-export", "linformer-visual");

  private final Path target = Path.of("target", "consumer").toAbsolutePath();
  private final Path repository = target.resolve("repository");

  @Test
  void everyLibraryWorksThere() throws Exception {
    install("linformer", ROOT.resolve("pom.xml"), ".pom");
    install("linformer-bom", ROOT.resolve("linformer-bom/pom.xml"), ".pom");
    for (String name : JARS) {
      install(name, ROOT.resolve(name).resolve("pom.xml"), ".pom");
      String jar = "%s-%s.jar".formatted(name, VERSION);
      install(name, ROOT.resolve(name).resolve("target").resolve(jar), ".jar");
    }
    Path project = target.resolve("project");
    copy(ROOT.resolve("consumer"), project);
    boolean windows = System.getProperty("os.name").startsWith("Windows");
    List<String> command =
        List.of(
            Path.of(System.getProperty("maven.home"), "bin", windows ? "mvn.cmd" : "mvn")
                .toString(),
            "-B",
            "-f",
            project.resolve("pom.xml").toString(),
            "test",
            // What the build has downloaded is read there and nothing is written to it.
            "-Dmaven.repo.local=" + repository,
            "-Dmaven.repo.local.tail=" + System.getProperty("maven.local"),
            "-Dlinformer.version=" + VERSION,
            "-Dtensorflow.natives=" + System.getProperty("tensorflow.natives"));
    try (Child maven = Child.start(command)) {
      assertEquals(0, maven.end(Child.PATIENCE), maven::output);
      // ops has one test, model two, export one, visual two, and bom all of the four classes.
      List<String> runs =
          maven.output().lines().filter(line -> line.endsWith("Skipped: 0")).toList();
      assertEquals(List.of("1", "2", "1", "2", "5"), runs.stream().map(ConsumerIT::tests).toList());
    }
  }

  private static String tests(String line) {
    assertTrue(line.contains("Failures: 0, Errors: 0"), line);
    return line.replaceAll(".*Tests run: (\\d+),.*", "$1");
  }

  /** Puts a file where Maven looks for an artifact. */
  private void install(String artifact, Path file, String extension) throws IOException {
    Path folder =
        Files.createDirectories(repository.resolve(Path.of("dev/linformer", artifact, VERSION)));
    Files.copy(
        file,
        folder.resolve("%s-%s%s".formatted(artifact, VERSION, extension)),
        StandardCopyOption.REPLACE_EXISTING);
  }

  private static void copy(Path from, Path to) throws IOException {
    try (var files = Files.walk(from)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        Path copy = to.resolve(from.relativize(file).toString());
        Files.createDirectories(Objects.requireNonNull(copy.getParent()));
        Files.copy(file, copy, StandardCopyOption.REPLACE_EXISTING);
      }
    }
  }
}
