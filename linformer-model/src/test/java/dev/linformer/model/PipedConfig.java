package dev.linformer.model;

import java.nio.file.Path;

/** A process that reads the configuration it is given the path of. */
public final class PipedConfig {

  private PipedConfig() {}

  public static void main(String[] arguments) {
    System.out.println(ModelConfig.read(Path.of(arguments[0])).toJson());
  }
}
