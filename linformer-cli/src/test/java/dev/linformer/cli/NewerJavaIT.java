package dev.linformer.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assumptions.assumeFalse;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** JDKs newer than 17, where this machine has some, warn of nothing that the program does. */
@DisabledOnOs(value = OS.WINDOWS, disabledReason = "the launcher is a script for bash")
class NewerJavaIT {

  private static final Pattern VERSION = Pattern.compile("JAVA_VERSION=\"(\\d+)");

  /** What Java says of code that it will not run for ever; TensorFlow has a WARNING, too. */
  private static final Pattern WARNING =
      Pattern.compile("WARNING: .*(has been called|sun\\.misc|future release|dynamically)");

  private static final String NATIVES = "--enable-native-access"; // what a warning advises
  private static final Path CLASSPATH = Path.of("target", "classpath");

  @BeforeEach
  void isPackaged() {
    assumeTrue(Files.isRegularFile(CLASSPATH), "the launcher would build");
  }

  @Test
  void theLauncherIsQuiet(@TempDir Path folder) throws Exception {
    for (Path jdk : jdks()) {
      Path run = folder.resolve(jdk.getFileName().toString());
      assertQuiet(
          launched(
              jdk,
              "train",
              "--task=copy",
              "--steps=2",
              "--batch=7",
              "--set=task.num_test=7",
              "--set=task.num_validation=7",
              "--out=" + run));
      assertQuiet(
          launched(jdk, "plot", "--log=" + run.resolve("log.jsonl"), "--out=" + run + ".png"));
    }
  }

  private static String launched(Path jdk, String... arguments)
      throws IOException, InterruptedException {
    String launcher = Path.of("..", "linformer").toAbsolutePath().toString();
    List<String> command = new ArrayList<>(List.of("env", "JAVA_HOME=" + jdk, "bash", launcher));
    command.addAll(List.of(arguments));
    return output(command);
  }

  /** All jars in one folder: the manifest names the others, and allows native code. */
  @Test
  void theJarMayLoadNatives(@TempDir Path folder) throws Exception {
    String name = "linformer-cli-%s.jar".formatted(System.getProperty("linformer.version"));
    Path jar = Files.copy(Path.of("target", name), folder.resolve(name));
    for (String entry : Files.readString(CLASSPATH).strip().split(":", -1)) {
      Path library = Path.of(entry);
      Files.createSymbolicLink(folder.resolve(library.getFileName()), library);
    }
    for (Path jdk : jdks()) {
      String java = jdk.resolve("bin/java").toString();
      String limit = "-Dorg.bytedeco.javacpp.maxPhysicalBytes=0";
      String printed = output(List.of(java, limit, "-jar", jar.toString(), "doctor"));
      assertFalse(printed.contains(NATIVES), printed);
    }
  }

  private static void assertQuiet(String printed) {
    assertFalse(printed.contains(NATIVES) || WARNING.matcher(printed).find(), printed);
  }

  private static String output(List<String> command) throws IOException, InterruptedException {
    try (Child child = Child.start(command)) {
      assertEquals(0, child.end(Child.PATIENCE), child::output);
      return child.output();
    }
  }

  /** Where Linux, macOS and GitHub's machines keep them. */
  private static List<Path> jdks() throws IOException {
    List<Path> homes = new ArrayList<>();
    System.getenv()
        .forEach(
            (name, value) -> {
              if (name.startsWith("JAVA_HOME_")) {
                homes.add(Path.of(value));
              }
            });
    for (String folder : new String[] {"/usr/lib/jvm", "/Library/Java/JavaVirtualMachines"}) {
      if (Files.isDirectory(Path.of(folder))) {
        try (Stream<Path> children = Files.list(Path.of(folder))) {
          children.forEach(
              child -> {
                homes.add(child);
                homes.add(child.resolve("Contents/Home"));
              });
        }
      }
    }
    List<Path> newer = new ArrayList<>();
    for (Path home : homes) {
      if (Files.isExecutable(home.resolve("bin/java")) && isNewer(home.resolve("release"))) {
        newer.add(home.toRealPath());
      }
    }
    assumeFalse(newer.isEmpty(), "there is no JDK newer than 17");
    return newer.stream().distinct().sorted(Comparator.naturalOrder()).toList();
  }

  private static boolean isNewer(Path release) throws IOException {
    if (!Files.isRegularFile(release)) {
      return false;
    }
    Matcher version = VERSION.matcher(Files.readString(release));
    return version.find() && Integer.parseInt(Objects.requireNonNull(version.group(1))) > 17;
  }
}
