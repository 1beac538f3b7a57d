package dev.linformer.runtime;

import java.io.File;
import java.io.IOException;
import java.net.URISyntaxException;
import java.net.URL;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.javacpp.Loader;
import org.jspecify.annotations.Nullable;

/**
 * A CUDA 12 runtime that is on the class path, for TensorFlow's GPU natives. These open CUDA's
 * libraries by their sonames when the first session starts, and the dynamic loader gives them a
 * library of that soname which the process has loaded already. TensorFlow Java loads CUDA 11's
 * names only, so that it would find none.
 *
 * <p>Every session of this library loads them first. Where a program opens sessions of its own, it
 * calls {@link #load} before. Without such a jar nothing happens.
 */
public final class CudaLibraries {

  /** The order in which they are loaded: each after those that it needs. */
  public static final List<String> SONAMES =
      List.of(
          "libcudart.so.12",
          "libnvJitLink.so.12",
          "libnvrtc-builtins.so.12.6",
          "libnvrtc.so.12",
          "libcublasLt.so.12",
          "libcublas.so.12",
          "libcufft.so.11",
          "libcusparse.so.12",
          "libcusolver.so.11",
          "libcudnn_graph.so.9",
          "libcudnn_ops.so.9",
          "libcudnn_cnn.so.9",
          "libcudnn_adv.so.9",
          "libcudnn_heuristic.so.9",
          "libcudnn_engines_runtime_compiled.so.9",
          "libcudnn_engines_precompiled.so.9",
          "libcudnn.so.9",
          "libcupti.so.12");

  /** Where org.bytedeco:cuda has them. */
  private static final String FOLDER = "/org/bytedeco/cuda/linux-x86_64/";

  private static @Nullable List<Loaded> loaded;

  /**
   * A library on the class path.
   *
   * @param soname one of {@link #SONAMES}
   * @param from the jar or folder that it came out of
   * @param problem why it could not be loaded; null if it was
   */
  public record Loaded(String soname, String from, @Nullable String problem) {}

  private CudaLibraries() {}

  /**
   * Loads those on the class path, once in a process. The first time on a machine JavaCPP unpacks
   * them into its cache, 2.7 GB.
   *
   * @return those that were found, in order; a problem with one is no reason to stop: TensorFlow
   *     then computes on the CPU, and says why
   */
  public static synchronized List<Loaded> load() {
    List<Loaded> all = loaded;
    if (all == null) {
      all = new ArrayList<>();
      for (String soname : SONAMES) {
        URL resource = CudaLibraries.class.getResource(FOLDER + soname);
        if (resource != null) {
          all.add(load(soname, resource));
        }
      }
      all = List.copyOf(all);
      loaded = all;
    }
    return all;
  }

  private static Loaded load(String soname, URL resource) {
    String from = from(resource);
    try {
      File file =
          resource.getProtocol().equals("file")
              ? new File(resource.toURI())
              : Loader.cacheResource(resource);
      if (file == null) {
        return new Loaded(soname, from, "cannot be unpacked into JavaCPP's cache");
      }
      System.load(file.getAbsolutePath());
      return new Loaded(soname, from, null);
    } catch (IOException | URISyntaxException | UnsatisfiedLinkError e) {
      return new Loaded(soname, from, String.valueOf(e.getMessage()));
    }
  }

  /** jar:file:/…/cuda-12.6-9.5-1.5.11-linux-x86_64-redist.jar!/… → the jar's name. */
  private static String from(URL resource) {
    String path = resource.getPath();
    int end = path.indexOf('!');
    String container = end < 0 ? path.substring(0, path.indexOf(FOLDER)) : path.substring(0, end);
    return end < 0 ? container : container.substring(container.lastIndexOf('/') + 1);
  }
}
