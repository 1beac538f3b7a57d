package dev.linformer.cli;

import dev.linformer.runtime.CudaLibraries;
import dev.linformer.runtime.internal.Devices;
import java.io.File;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import org.tensorflow.DeviceSpec;
import org.tensorflow.TensorFlow;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code linformer doctor}: what is there, and what is missing. */
@Command(
    name = "doctor",
    description = "Tells versions, devices and natives, and how to get what is missing.",
    footer = "  linformer doctor",
    mixinStandardHelpOptions = true)
final class DoctorCommand implements Callable<Integer> {

  @Spec private CommandSpec spec = CommandSpec.create();

  @Override
  public Integer call() {
    PrintWriter out = spec.commandLine().getOut();
    line(out, "linformer", String.join(" ", spec.root().version()));
    line(out, "java", System.getProperty("java.version") + ", " + System.getProperty("java.home"));
    line(
        out,
        "platform",
        "%s %s, %s processors, heap up to %s MiB"
            .formatted(
                System.getProperty("os.name"),
                System.getProperty("os.arch"),
                Runtime.getRuntime().availableProcessors(),
                Runtime.getRuntime().maxMemory() >> 20));
    String natives = natives();
    line(out, "natives", natives);
    // Before TensorFlow looks for a GPU, which it does once.
    List<CudaLibraries.Loaded> cuda = CudaLibraries.load();
    if (natives.contains("-gpu") || !cuda.isEmpty()) {
      CudaReport.lines(cuda, CudaReport.system()).forEach(each -> line(out, "cuda", each));
    }
    line(out, "cache", cache());
    boolean works = tensorFlow(out);
    line(out, "python3", python());
    out.flush();
    return works ? 0 : 1;
  }

  private static void line(PrintWriter out, String topic, String text) {
    out.println("%-10s %s".formatted(topic, text));
  }

  private static String natives() {
    for (String entry : System.getProperty("java.class.path").split(File.pathSeparator, -1)) {
      String name = String.valueOf(Path.of(entry).getFileName());
      if (name.matches("tensorflow-core-native-.*-(linux|macosx|windows)-.*\\.jar")) {
        return name;
      }
    }
    return "MISSING: no tensorflow-core-native with a platform classifier on the class path;"
        + " build with -Dtensorflow.natives=CLASSIFIER, such as linux-x86_64";
  }

  private static String cache() {
    Path folder =
        Path.of(
            System.getProperty(
                "org.bytedeco.javacpp.cachedir",
                Path.of(System.getProperty("user.home"), ".javacpp", "cache").toString()));
    return folder + (Files.isDirectory(folder) ? "" : " (made at the first run, about 650 MB)");
  }

  private boolean tensorFlow(PrintWriter out) {
    try {
      line(out, "tensorflow", TensorFlow.version());
      TensorFlowLog.quiet(spec);
      line(
          out, "cpu", Devices.compute(DeviceSpec.DeviceType.CPU) ? "computes" : "FAILS to compute");
      line(
          out,
          "gpu",
          Devices.compute(DeviceSpec.DeviceType.GPU)
              ? "computes"
              : "none; on Linux with an NVIDIA GPU build with ./mvnw -Pgpu,cuda -DskipTests"
                  + " package, or -Pgpu alone where CUDA 12 and cuDNN 9 are installed");
      return true;
    } catch (LinkageError e) {
      line(out, "tensorflow", "CANNOT BE LOADED: " + e.getMessage());
      return false;
    }
  }

  private static String python() {
    try {
      Process process =
          new ProcessBuilder("python3", "-c", "import sys, venv; print(sys.version.split()[0])")
              .redirectErrorStream(true)
              .start();
      String answer =
          new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
      return process.waitFor() == 0
          ? answer + ", with venv (the tests load exported models in it)"
          : "no venv module; the tests need it: install python3-venv";
    } catch (IOException e) {
      return "MISSING; only the tests need it: install Python 3.11 with venv";
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return "interrupted";
    }
  }
}
