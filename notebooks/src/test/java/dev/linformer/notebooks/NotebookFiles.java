package dev.linformer.notebooks;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** The notebooks of this folder. */
final class NotebookFiles {

  private NotebookFiles() {}

  static List<Path> all() throws IOException {
    try (var files = Files.list(Path.of("").toAbsolutePath())) {
      return files.filter(file -> file.toString().endsWith(".ipynb")).sorted().toList();
    }
  }

  /** Its file name without .ipynb. */
  static String name(Path notebook) {
    return notebook.getFileName().toString().replace(".ipynb", "");
  }
}
