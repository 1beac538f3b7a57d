package dev.linformer.model;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Where the golden files are that are compared with: tools/golden/make_golden.py.
 *
 * <p>The property {@value #PROPERTY} names another folder of such files: there
 * tools/golden/compare_live.py writes random models, and reads how far each of them was off.
 */
public final class GoldenFolder {

  /** Names the folder of random models. */
  public static final String PROPERTY = "golden.folder";

  /** The folder. */
  public static final Path PATH =
      Path.of(System.getProperty(PROPERTY, "src/test/resources/golden"));

  private GoldenFolder() {}

  /** Whether the models are random ones. */
  public static boolean isLive() {
    return System.getProperty(PROPERTY) != null;
  }

  /**
   * For random models, writes a line a comparison: file, type, largest difference.
   *
   * @param folder of the file differences.txt
   * @param differences by file and type
   */
  public static void writeDifferences(Path folder, Map<String, Double> differences)
      throws IOException {
    if (isLive()) {
      List<String> lines = new ArrayList<>();
      differences.forEach((name, difference) -> lines.add(name + " " + difference));
      Files.write(folder.resolve("differences.txt"), lines);
    }
  }
}
