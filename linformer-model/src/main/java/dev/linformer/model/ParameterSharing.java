package dev.linformer.model;

/**
 * Which attentions share their projections E and F; paper, section 4. A model of 12 layers with 12
 * heads has the number of different projections given with each.
 */
public enum ParameterSharing {
  /** Every head of every layer has its own E and F: 288. */
  NONE,
  /** One E and one F a layer: 24. */
  HEADWISE,
  /** One a layer, E = F: 12. */
  KV,
  /** One for the whole model: 1. */
  LAYERWISE
}
