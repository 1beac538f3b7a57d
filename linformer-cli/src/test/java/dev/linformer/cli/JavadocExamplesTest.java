package dev.linformer.cli;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.StringWriter;
import java.net.URI;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
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

  /** An example as a class, which javac reads as a file of that name. */
  private static JavaFileObject unit(String name, String imports, String example) {
    String text = OTHERS + imports + GIVEN.formatted(name, example);
    return new SimpleJavaFileObject(
        URI.create("string:///" + name + ".java"), JavaFileObject.Kind.SOURCE) {
      @Override
      public CharSequence getCharContent(boolean ignoreEncodingErrors) {
        return text;
      }
    };
  }

  @Test
  void compile(@TempDir Path classes) throws IOException {
    SourceTree sources = SourceTree.main();
    String imports =
        sources.packages().keySet().stream()
            .map("import dev.linformer.%s.*;%n"::formatted)
            .collect(Collectors.joining());
    List<JavaFileObject> units = new ArrayList<>();
    sources
        .files()
        .forEach(
            (file, text) ->
                EXAMPLE
                    .matcher(text)
                    .results()
                    .map(example -> example.group(1).replaceAll("(?m)^\\s*\\* ?", ""))
                    .forEach(
                        example ->
                            units.add(
                                unit(
                                    file.replaceAll("\\W", "_") + units.size(),
                                    imports,
                                    example))));
    assertTrue(units.size() > 30, "examples: " + units.size());
    StringWriter messages = new StringWriter();
    String path =
        System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
    List<String> options =
        List.of("-proc:none", "-implicit:none", "-nowarn", "-cp", path, "-d", classes.toString());
    var compiler = ToolProvider.getSystemJavaCompiler();
    assertTrue(
        compiler.getTask(messages, null, null, options, null, units).call(), messages::toString);
  }
}
