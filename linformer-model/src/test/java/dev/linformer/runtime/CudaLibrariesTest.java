package dev.linformer.runtime;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/**
 * Small libraries stand for CUDA's of 2 GB: each has the soname of one of them and needs those that
 * it needs (readelf -d of the ones in org.bytedeco:cuda:12.6-9.5-1.5.11), and none knows where the
 * others are.
 */
@EnabledOnOs(architectures = "amd64", value = OS.LINUX)
class CudaLibrariesTest {

  private static final Map<String, List<String>> NEEDED =
      Map.of(
          "libcublas.so.12", List.of("libcublasLt.so.12"),
          "libcusparse.so.12", List.of("libnvJitLink.so.12"),
          "libcusolver.so.11",
              List.of(
                  "libnvJitLink.so.12",
                  "libcusparse.so.12",
                  "libcublas.so.12",
                  "libcublasLt.so.12"),
          "libcudnn_ops.so.9", List.of("libcudnn_graph.so.9"),
          "libcudnn_cnn.so.9", List.of("libcudnn_ops.so.9", "libcudnn_graph.so.9"),
          "libcudnn_adv.so.9", List.of("libcudnn_ops.so.9", "libcudnn_graph.so.9"),
          "libcudnn_heuristic.so.9", List.of("libcudnn_graph.so.9"),
          "libcudnn_engines_runtime_compiled.so.9", List.of("libcudnn_graph.so.9"),
          "libcudnn_engines_precompiled.so.9", List.of("libcudnn_graph.so.9"));

  /** What TensorFlow 2.18 opens. */
  private static final List<String> OPENED =
      List.of(
          "libcudart.so.12",
          "libcublas.so.12",
          "libcublasLt.so.12",
          "libcufft.so.11",
          "libcusolver.so.11",
          "libcusparse.so.12",
          "libcudnn.so.9",
          "libcupti.so.12");

  private static final Path FOLDER = Path.of("org", "bytedeco", "cuda", "linux-x86_64");

  /** Prints what was loaded, and loads a library that needs all that TensorFlow opens. */
  static final class Loading {
    private Loading() {}

    public static void main(String[] arguments) {
      CudaLibraries.load().forEach(System.out::println);
      if (arguments.length > 0) {
        System.load(arguments[0]);
        System.out.println("all found by their sonames");
      }
    }
  }

  @TempDir private Path folder = Path.of("");

  @Test
  void comeOutOfAJarInAnOrderThatWorks() throws Exception {
    assumeTrue(new ProcessBuilder("gcc", "--version").start().waitFor() == 0, "there is no gcc");
    Path libraries = Files.createDirectories(folder.resolve("made"));
    for (String soname : CudaLibraries.SONAMES) {
      make(libraries, soname, NEEDED.getOrDefault(soname, List.of()));
    }
    Path user = make(Files.createDirectory(folder.resolve("user")), "libuser.so", OPENED);
    Path jar = jar(libraries, "cuda-12.6-9.5-1.5.11-linux-x86_64-redist.jar");
    List<String> expected = new ArrayList<>();
    for (String soname : CudaLibraries.SONAMES) {
      expected.add("Loaded[soname=%s, from=%s, problem=null]".formatted(soname, jar.getFileName()));
    }
    expected.add("all found by their sonames");
    assertEquals(expected, run(List.of(jar), user.toString()));
  }

  @Test
  void sayWhatIsWrongWithOne() throws Exception {
    Path place = Files.createDirectories(folder.resolve(FOLDER));
    Files.writeString(place.resolve("libcublas.so.12"), "no library");
    List<String> printed = run(List.of(folder));
    assertEquals(
        "Loaded[soname=libcublas.so.12, from=%s, problem=%s: %s: file too short]"
            .formatted(folder, place.resolve("libcublas.so.12"), place.resolve("libcublas.so.12")),
        printed.get(printed.size() - 1)); // the virtual machine warns before it
  }

  @Test
  void areNotMissedWithoutAJar() throws Exception {
    assertEquals(List.of(), run(List.of()));
    assertFalse(CudaLibraries.SONAMES.isEmpty());
  }

  /** A library that needs some others of a folder beside it, or above it in "made". */
  private Path make(Path in, String soname, List<String> needed) throws Exception {
    Path library = in.resolve(soname);
    List<String> command =
        new ArrayList<>(
            List.of("gcc", "-shared", "-nostdlib", "-x", "c", "/dev/null", "-x", "none"));
    command.add("-Wl,--no-as-needed,--allow-shlib-undefined,-soname," + soname);
    needed.forEach(each -> command.add(folder.resolve("made").resolve(each).toString()));
    command.addAll(List.of("-o", library.toString()));
    Process gcc = new ProcessBuilder(command).redirectErrorStream(true).start();
    String said = new String(gcc.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, gcc.waitFor(), said);
    return library;
  }

  private Path jar(Path libraries, String name) throws IOException {
    Path jar = folder.resolve(name);
    try (OutputStream out = Files.newOutputStream(jar);
        ZipOutputStream zip = new ZipOutputStream(out);
        Stream<Path> files = Files.list(libraries)) {
      for (Path file : files.sorted().toList()) {
        zip.putNextEntry(new ZipEntry(FOLDER.resolve(file.getFileName()).toString()));
        Files.copy(file, zip);
        zip.closeEntry();
      }
    }
    return jar;
  }

  /** What a process prints that has more on its class path. */
  private List<String> run(List<Path> more, String... arguments) throws Exception {
    StringBuilder classPath = new StringBuilder(System.getProperty("java.class.path"));
    more.forEach(each -> classPath.append(File.pathSeparator).append(each));
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Dorg.bytedeco.javacpp.cachedir=" + folder.resolve("cache"),
                "-cp",
                classPath.toString(),
                Loading.class.getName()));
    command.addAll(List.of(arguments));
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String printed = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, process.waitFor(), printed);
    return printed.lines().toList();
  }
}
