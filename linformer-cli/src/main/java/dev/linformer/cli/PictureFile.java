package dev.linformer.cli;

import dev.linformer.model.InvalidInputException;
import dev.linformer.model.weights.WholeFile;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Path;
import javax.imageio.ImageIO;

/** The picture that a command makes. */
final class PictureFile {

  private PictureFile() {}

  /**
   * Makes sure that a picture can be written before it is made.
   *
   * @throws InvalidInputException if the name doesn't end in .png, or its folder isn't there
   */
  static void require(Path file) {
    if (!file.toString().endsWith(".png")) {
      throw new InvalidInputException(
          "--out %s: a name that ends in .png is expected".formatted(file));
    }
    WholeFile.requirePlace("--out", file);
  }

  /** Writes a PNG file, whole. */
  static void write(BufferedImage image, Path file) throws IOException {
    ByteArrayOutputStream png = new ByteArrayOutputStream();
    ImageIO.write(image, "png", png);
    WholeFile.write(file, png.toByteArray());
  }
}
