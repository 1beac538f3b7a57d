package dev.linformer.model;

/** Where the training of E and F starts. */
public enum ProjectionInit {
  /** Random: Xavier's normal distribution, as linformer-pytorch has it. */
  XAVIER,
  /** Each row sums n/k neighbours; the bias is 0. A model begins with a view of what is near. */
  BLOCKS
}
