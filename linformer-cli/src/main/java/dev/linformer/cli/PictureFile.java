package dev.linformer.cli;

import dev.linformer.io.InvalidInputException;
import dev.linformer.io.internal.AtomicFile;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Path;
import javax.imageio.ImageIO;
import org.jspecify.annotations.Nullable;

/** The picture that a command makes. */
final class PictureFile {

  private PictureFile() {}

  /**
   * Makes sure that a picture can be written before it is made.
   *
   * @param inputs files and folders that are read; null for one that is not given
   * @throws InvalidInputException if the name doesn't end in .png, its folder isn't there, or it is
   *     one of the inputs
   */
  static void require(Path file, @Nullable Path... inputs) {
    if (!file.toString().endsWith(".png")) {
      throw new InvalidInputException(
          "--out %s: a name that ends in .png is expected".formatted(file));
    }
    AtomicFile.requirePlace("--out", file, inputs);
  }

  /** Writes a PNG file, whole. */
  static void write(BufferedImage image, Path file) throws IOException {
    ByteArrayOutputStream png = new ByteArrayOutputStream();
    ImageIO.setUseCache(false); // no temporary file
    ImageIO.write(image, "png", png);
    AtomicFile.write(file, png.toByteArray());
  }
}
