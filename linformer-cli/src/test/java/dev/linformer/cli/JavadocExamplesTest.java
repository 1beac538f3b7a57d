package dev.linformer.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.StringWriter;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import javax.tools.JavaCompiler;
import javax.tools.JavaFileObject;
import javax.tools.SimpleJavaFileObject;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The examples in the Javadoc of all modules compile. */
class JavadocExamplesTest {

  private static final Pattern EXAMPLE =
      Pattern.compile("<pre>\\{@code\\R(.*?)}</pre>", Pattern.DOTALL);

  /** What a reader takes as given: a graph, weights, operands, what he has loaded. */
  private static final String GIVEN =
      """
      abstract class %s {
        Ops tf;
        Variables<TFloat32> variables, weights;
        ParameterFactory<TFloat32> parameters;
        ModelConfig config, model;
        Operand<TFloat32> x, w, q, k, v, weight, bias;
        Operand<TInt32> tokens, read, written;
        RandomKey key;
        long channels, headDim;
        int heads;
        TaskData data;
        Objective objective;
        List<Example> watched, unseen;
        TrainingRun run;

        static List<Example> examples(long seed) {
          return List.of();
        }

        abstract String display(Object picture);

        abstract void updateDisplay(String id, Object picture);

        void example() throws Exception {
          %s
        }
      }
      """;

  private static final String OTHERS =
      """
      import java.awt.image.BufferedImage;
      import java.nio.file.*;
      import java.util.*;
      import org.tensorflow.*;
      import org.tensorflow.ndarray.Shape;
      import org.tensorflow.op.Op;
      import org.tensorflow.op.Ops;
      import org.tensorflow.op.core.Gradients;
      import org.tensorflow.op.core.Placeholder;
      import org.tensorflow.types.*;
      """;

  @Test
  void compile(@TempDir Path classes) throws IOException {
    List<JavaFileObject> units = new ArrayList<>();
    TreeSet<String> imports = new TreeSet<>();
    List<String[]> examples = new ArrayList<>();
    for (Path file : sources()) {
      String source = Files.readString(file);
      Matcher declared = Pattern.compile("(?m)^package ([\\w.]+);").matcher(source);
      assertTrue(declared.find(), file::toString);
      imports.add("import " + declared.group(1) + ".*;\n");
      Matcher example = EXAMPLE.matcher(source);
      while (example.find()) {
        String name =
            Objects.requireNonNull(file.getFileName()).toString().replaceAll("\\W", "_")
                + examples.size();
        examples.add(new String[] {name, example.group(1).replaceAll("(?m)^\\s*\\* ?", "")});
      }
    }
    for (String[] example : examples) {
      String unit = OTHERS + String.join("", imports) + GIVEN.formatted(example[0], example[1]);
      units.add(
          new SimpleJavaFileObject(
              URI.create("string:///" + example[0] + ".java"), JavaFileObject.Kind.SOURCE) {
            @Override
            public CharSequence getCharContent(boolean ignoreEncodingErrors) {
              return unit;
            }
          });
    }
    assertTrue(units.size() > 30, "examples: " + units.size());
    JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
    StringWriter messages = new StringWriter();
    String path =
        System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
    List<String> options =
        List.of("-proc:none", "-implicit:none", "-nowarn", "-cp", path, "-d", classes.toString());
    compiler.getTask(messages, null, null, options, null, units).call();
    assertEquals("", errors(messages.toString()));
  }

  private static String errors(String messages) {
    return messages.contains("error:") ? messages : "";
  }

  private static List<Path> sources() throws IOException {
    List<Path> sources = new ArrayList<>();
    try (Stream<Path> modules = Files.list(Path.of(".."))) {
      for (Path module :
          modules.filter(each -> each.getFileName().toString().matches("linformer-.*")).toList()) {
        Path main = module.resolve(Path.of("src", "main", "java"));
        if (Files.isDirectory(main)) {
          try (Stream<Path> files = Files.walk(main)) {
            files.filter(file -> file.toString().endsWith(".java")).sorted().forEach(sources::add);
          }
        }
      }
    }
    return sources;
  }
}
