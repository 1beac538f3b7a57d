package dev.linformer.visual;

import dev.linformer.export.AttentionWeights;
import dev.linformer.io.InvalidInputException;
import java.awt.image.BufferedImage;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * What heads see: P̄ of a sequence, a picture a head. A row of pictures is a layer.
 *
 * @param layer the only one that is drawn, counted from 0; null for all
 * @param head the only one that is drawn, counted from 0; null for all
 * @param limit how many of the first positions are drawn, as rows; null for all
 */
public record AttentionPicture(
    @Nullable Integer layer, @Nullable Integer head, @Nullable Integer limit) {

  /** All layers and heads whole. */
  public static final AttentionPicture ALL = new AttentionPicture(null, null, null);

  /** The most pictures in an image. */
  private static final int MOST = 144;

  /**
   * What is too large is known with the model.
   *
   * @throws InvalidInputException if a layer or head is below 0, or the limit below 1
   */
  public AttentionPicture {
    require("layer", layer, 0);
    require("head", head, 0);
    require("n-limit", limit, 1);
  }

  private static void require(String key, @Nullable Integer value, int least) {
    if (value != null && value < least) {
      throw new InvalidInputException(
          "%s %s, but at least %s is expected".formatted(key, value, least));
    }
  }

  /**
   * Draws the first sequence of a batch.
   *
   * @param all attentions of a model, [b,h,n,k] each
   * @return a row of pictures for each layer
   * @throws InvalidInputException if there is no such layer or head, or if there are too many
   */
  public BufferedImage draw(List<AttentionWeights> all) {
    List<AttentionWeights> chosen =
        all.stream().filter(each -> layer == null || each.layer() == layer).toList();
    if (chosen.isEmpty()) {
      throw new InvalidInputException(
          "layer %s, but of these there is P-bar: %s"
              .formatted(
                  layer,
                  all.stream()
                      .map(each -> Integer.toString(each.layer()))
                      .distinct()
                      .collect(Collectors.joining(", "))));
    }
    List<List<HeatMap>> grid = chosen.stream().map(this::heads).toList();
    int pictures = grid.stream().mapToInt(List::size).sum();
    if (pictures > MOST) {
      throw new InvalidInputException(
          "%s heads are too many for a picture, %s at most: choose a layer or a head"
              .formatted(pictures, MOST));
    }
    return HeatMap.draw(grid);
  }

  /** A picture a head, of those that are chosen. */
  List<HeatMap> heads(AttentionWeights attention) {
    if (head != null && head >= attention.heads()) {
      throw new InvalidInputException(
          "head %s, but 0 to nhead - 1 = %s is expected".formatted(head, attention.heads() - 1));
    }
    int rows = limit == null ? attention.rows() : Math.min(limit, attention.rows());
    List<HeatMap> maps = new ArrayList<>();
    for (int h = 0; h < attention.heads(); h++) {
      if (head == null || head == h) {
        maps.add(
            new HeatMap(
                "%s, head %s".formatted(attention.label(), h),
                attention.rowsOfSource() ? "source position" : "position",
                (attention.compressed() ? "compressed " : "")
                    + (attention.columnsOfSource() ? "source position" : "position"),
                Arrays.copyOf(attention.matrix(0, h), rows)));
      }
    }
    return maps;
  }
}
