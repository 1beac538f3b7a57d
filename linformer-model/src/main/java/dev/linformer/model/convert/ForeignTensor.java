package dev.linformer.model.convert;

import java.util.List;
import org.tensorflow.ndarray.Shape;

/**
 * A tensor of another package's state dictionary.
 *
 * @param names under which it may stand there; where it stands under several, all are equal
 * @param shape it has there
 * @param transposed whether rows there are columns here
 */
record ForeignTensor(List<String> names, Shape shape, boolean transposed) {}
