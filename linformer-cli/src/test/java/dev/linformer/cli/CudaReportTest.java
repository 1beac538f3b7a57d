package dev.linformer.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.linformer.runtime.CudaLibraries;
import dev.linformer.runtime.CudaLibraries.Loaded;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

@EnabledOnOs(OS.LINUX)
class CudaReportTest {

  @TempDir private Path folder = Path.of("");

  @Test
  void saysOfEachLibraryWhereItIsOrWhatToDo() throws IOException {
    Path real = Files.createFile(folder.resolve("libcufft.so.11.2.3.61"));
    Path link = Files.createSymbolicLink(folder.resolve("libcufft.so.11"), real.getFileName());
    List<String> lines =
        CudaReport.lines(
            List.of(
                new Loaded("libcudart.so.12", "cuda-12.6.jar", null),
                new Loaded("libcublas.so.12", "cuda-12.6.jar", "cannot open shared object file")),
            Map.of("libcufft.so.11", link));
    assertEquals(1 + CudaLibraries.SONAMES.size(), lines.size());
    for (String line :
        new String[] {
          "libcuda.so.1 MISSING: install NVIDIA's driver, 525 or newer",
          "libcudart.so.12 loaded from cuda-12.6.jar",
          "libcublas.so.12 FAILS to load from cuda-12.6.jar: cannot open shared object file",
          "libcufft.so.11 in " + folder + ", version 11.2.3.61",
          "libcusparse.so.12 MISSING: build with ./mvnw -Pgpu,cuda -DskipTests package, or install CUDA 12 and name its folder in LD_LIBRARY_PATH",
          "libcudnn.so.9 MISSING: build with ./mvnw -Pgpu,cuda -DskipTests package, or install cuDNN 9 and name its folder in LD_LIBRARY_PATH"
        }) {
      assertTrue(lines.contains(line), () -> line + " is not among " + lines);
    }
  }

  /** A CUDA library on the class path, though the natives are for CPUs. */
  @Test
  void isPartOfTheDoctorsReport() throws Exception {
    assertFalse(Cli.done("doctor").out().contains("\ncuda "));
    Path place = Files.createDirectories(folder.resolve("org/bytedeco/cuda/linux-x86_64"));
    Files.writeString(place.resolve("libcudart.so.12"), "no library");
    List<String> command = Child.java(Main.class.getName(), "doctor");
    int classPath = command.indexOf("-cp") + 1;
    command.set(classPath, command.get(classPath) + ":" + folder);
    try (Child doctor = Child.start(command)) {
      assertEquals(0, doctor.end(Child.PATIENCE), doctor::output);
      assertTrue(
          doctor.output().contains("cuda       libcudart.so.12 FAILS to load from " + folder),
          doctor::output);
      assertTrue(doctor.output().contains("cuda       libcudnn.so.9 "), doctor::output);
    }
  }
}
