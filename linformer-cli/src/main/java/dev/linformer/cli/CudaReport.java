package dev.linformer.cli;

import dev.linformer.runtime.CudaLibraries;
import dev.linformer.runtime.CudaLibraries.Loaded;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What {@code doctor} says of CUDA's libraries: where each is, in which version, or what to do. */
final class CudaReport {

  /** Comes with the driver, in no jar. */
  private static final String DRIVER = "libcuda.so.1";

  private CudaReport() {}

  /**
   * A line for each library.
   *
   * @param loaded those from the class path
   * @param system where the dynamic loader finds libraries, by soname
   */
  static List<String> lines(List<Loaded> loaded, Map<String, Path> system) {
    List<String> lines = new ArrayList<>();
    lines.add(line(DRIVER, system.get(DRIVER), "MISSING: install NVIDIA's driver, 525 or newer"));
    for (String soname : CudaLibraries.SONAMES) {
      Loaded library =
          loaded.stream().filter(each -> each.soname().equals(soname)).findFirst().orElse(null);
      if (library == null) {
        lines.add(line(soname, system.get(soname), missing(soname)));
      } else if (library.problem() != null) {
        lines.add(
            "%s FAILS to load from %s: %s".formatted(soname, library.from(), library.problem()));
      } else {
        lines.add("%s loaded from %s".formatted(soname, library.from()));
      }
    }
    return lines;
  }

  private static String line(String soname, @Nullable Path file, String otherwise) {
    return soname + " " + (file == null ? otherwise : "in " + file.getParent() + version(file));
  }

  private static String missing(String soname) {
    String install = soname.contains("cudnn") ? "cuDNN 9" : "CUDA 12";
    return "MISSING: build with ./mvnw -Pgpu,cuda -DskipTests package, or install %s and name its folder in LD_LIBRARY_PATH"
        .formatted(install);
  }

  /** libcudart.so.12 is a link to libcudart.so.12.5.82, and the like. */
  private static String version(Path file) {
    try {
      String real = String.valueOf(file.toRealPath().getFileName());
      int at = real.indexOf(".so.");
      return at < 0 ? "" : ", version " + real.substring(at + 4);
    } catch (IOException e) {
      return "";
    }
  }

  /** Libraries that the dynamic loader knows: LD_LIBRARY_PATH, then its cache. */
  static Map<String, Path> system() {
    Map<String, Path> libraries = new LinkedHashMap<>();
    List<String> sonames = new ArrayList<>(CudaLibraries.SONAMES);
    sonames.add(DRIVER);
    String folders = System.getenv().getOrDefault("LD_LIBRARY_PATH", "");
    for (String folder : folders.split(File.pathSeparator, -1)) {
      for (String soname : sonames) {
        Path file = Path.of(folder, soname);
        if (!folder.isEmpty() && Files.isRegularFile(file)) {
          libraries.putIfAbsent(soname, file);
        }
      }
    }
    for (String line : cache()) { // "	libcuda.so.1 (libc6,x86-64) => /usr/lib/…/libcuda.so.1"
      String[] parts = line.strip().split(" .*=> ", 2);
      if (parts.length == 2 && sonames.contains(parts[0])) {
        libraries.putIfAbsent(parts[0], Path.of(parts[1]));
      }
    }
    return libraries;
  }

  private static List<String> cache() {
    for (String program : new String[] {"ldconfig", "/sbin/ldconfig"}) {
      try {
        Process process =
            new ProcessBuilder(program, "-p")
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        String answer = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        if (process.waitFor() == 0) {
          return answer.lines().toList();
        }
      } catch (IOException notThere) {
        // The next one; on other systems there is none.
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
    return List.of();
  }
}
