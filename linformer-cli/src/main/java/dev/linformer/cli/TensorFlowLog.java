package dev.linformer.cli;

import com.sun.jna.NativeLibrary;
import dev.linformer.io.internal.JsonObjectReader;
import dev.linformer.model.ModelDirectory;
import dev.linformer.runtime.Sessions;
import dev.linformer.runtime.internal.Devices;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Pattern;
import org.tensorflow.TensorFlow;
import picocli.CommandLine.Model.CommandSpec;

/**
 * Two lines that say nothing, which TensorFlow logs at the first session of a process. {@code
 * TF_CPP_MIN_LOG_LEVEL} doesn't hold for them: they go through a copy of Abseil that is inside
 * TensorFlow's library, which reads no variable, and whose functions are not exported. So the first
 * session is a small one of our own, on the CPU, during which standard error is a file. What else
 * is in that file is told afterwards.
 */
final class TensorFlowLog {

  private static final String LEVEL = "TF_CPP_MIN_LOG_LEVEL";

  private static final Pattern SAYS_NOTHING =
      Pattern.compile(
          "WARNING: All log messages before absl::InitializeLog\\(\\) is called .*"
              + "|I0000 .* MLIR V1 optimization pass is not enabled");

  private static final int STANDARD_ERROR = 2;
  private static final int OWNER_ONLY = 0600;

  private TensorFlowLog() {}

  /** Lets the two lines pass unseen; to be called before the first session of a process. */
  static void quiet(CommandSpec spec) {
    quiet(spec, Sessions.ALL_THREADS);
  }

  /**
   * The same before a session with a number of threads: the first one of a process sets it for all.
   */
  static void quiet(CommandSpec spec, int threads) {
    String level = System.getenv(LEVEL);
    if (level == null || !level.matches("[1-9]")) {
      return; // who sets no level, or 0, sees all
    }
    TensorFlow.version(); // where it can't be loaded, that is said
    Path file;
    try {
      file = Files.createTempFile("linformer", ".log");
    } catch (IOException e) {
      return; // the lines do no harm
    }
    try {
      capture(file, threads);
    } catch (LinkageError e) {
      return; // a system that JNA is not for
    } finally {
      tell(spec, file);
    }
  }

  /** The threads that a training in a folder computes with. */
  static int threadsOf(ModelDirectory directory) {
    return Files.isRegularFile(directory.trainerStateFile())
        ? JsonObjectReader.read(directory.trainerStateFile())
            .object("training_args")
            .integer("threads", Sessions.ALL_THREADS)
        : Sessions.ALL_THREADS;
  }

  /** Opens the first session while standard error is a file. */
  private static void capture(Path file, int threads) {
    NativeLibrary libc = NativeLibrary.getProcess();
    int kept = call(libc, "dup", STANDARD_ERROR);
    int log = call(libc, "creat", file.toString(), OWNER_ONLY);
    if (kept < 0 || log < 0) {
      return;
    }
    call(libc, "dup2", log, STANDARD_ERROR);
    try {
      Devices.computeOnCpu(threads);
    } finally {
      call(libc, "dup2", kept, STANDARD_ERROR);
      call(libc, "close", kept);
      call(libc, "close", log);
    }
  }

  /** Tells what was logged but for the two lines, and deletes the file. */
  private static void tell(CommandSpec spec, Path file) {
    ConsoleMessages messages = new ConsoleMessages(spec);
    try {
      for (String line : Files.readString(file, StandardCharsets.UTF_8).lines().toList()) {
        if (!SAYS_NOTHING.matcher(line).matches()) {
          messages.warn(line);
        }
      }
      Files.delete(file);
    } catch (IOException e) {
      messages.warn("what TensorFlow logged is in %s".formatted(file));
    }
  }

  private static int call(NativeLibrary libc, String function, Object... arguments) {
    return libc.getFunction(function).invokeInt(arguments);
  }
}
