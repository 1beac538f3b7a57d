package dev.linformer.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** Classes, their members and packages that the documentation names exist. */
class NamesInDocsTest {

  /** Classes of Java, TensorFlow and other libraries, and TensorFlow's operations. */
  private static final Set<String> OF_OTHERS =
      Set.of(
          "Arrays",
          "BatchMatMul",
          "BufferedImage",
          "FloatBuffer",
          "Glorot",
          "Gradients",
          "Graph",
          "IllegalArgumentException",
          "IllegalStateException",
          "IntBuffer",
          "List",
          "Locale",
          "Map",
          "NoSuchMethodError",
          "Operand",
          "Ops",
          "Ones",
          "OnnxTensor",
          "OrtEnvironment",
          "Path",
          "RandomNormal",
          "RandomUniform",
          "Result",
          "SavedModelBundle",
          "Session",
          "Shape",
          "TFSMLayer",
          "SparseCategoricalCrossentropy",
          "System",
          "TFloat32",
          "TFloating",
          "TType",
          "XlaCallModule",
          "XlaCustomCallV2",
          "Zeros");

  /** Spans that begin like a class and are text of a file or a log. */
  private static final Set<String> NO_NAMES = Set.of("Unable to register cuFFT factory", "None");

  private static final Pattern NAME =
      Pattern.compile("^([A-Z]\\w*[a-z]\\w*)(?:[.#]([a-z]\\w*))?(?![-/\\w=:])");
  private static final Pattern NAME_IN_CODE = Pattern.compile("\\b([A-Z]\\w*[a-z]\\w*)\\b");
  private static final Pattern CODE_TEXT = Pattern.compile("\"[^\"\\n]*\"|//.*");
  private static final Pattern LABEL = Pattern.compile("label=\"([^\"]*)\"");

  private static Map<String, String> types() throws IOException {
    Map<String, String> types = new TreeMap<>(SourceTree.main().types());
    SourceTree.tests().types().forEach(types::putIfAbsent);
    return types;
  }

  @Test
  void classesAndMembersExist() throws IOException {
    Map<String, String> types = types();
    List<String> missing = new ArrayList<>();
    int names = 0;
    for (Markdown page : Markdown.all()) {
      for (String span : page.spans()) {
        Matcher name = NAME.matcher(span);
        if (!name.find() || OF_OTHERS.contains(name.group(1)) || NO_NAMES.contains(span)) {
          continue;
        }
        names++;
        String type = types.get(name.group(1));
        String member = name.group(2);
        if (type == null || (member != null && !type.matches("(?s).*\\b" + member + "\\b.*"))) {
          missing.add(page.name() + ": " + span);
        }
      }
    }
    assertTrue(names > 100, "names are looked for");
    assertEquals(List.of(), missing);
  }

  /** A program with imports of its own is a recipe, which a test runs. */
  @Test
  void classesInJavaExist() throws IOException {
    Map<String, String> types = types();
    Set<String> missing = new TreeSet<>();
    for (Markdown page : Markdown.all()) {
      for (String code : page.fences("java")) {
        if (!code.startsWith("import ")) {
          NAME_IN_CODE
              .matcher(CODE_TEXT.matcher(code).replaceAll(""))
              .results()
              .map(name -> name.group(1))
              .filter(name -> !types.containsKey(name) && !OF_OTHERS.contains(name))
              .forEach(name -> missing.add(page.name() + ": " + name));
        }
      }
    }
    assertEquals(Set.of(), missing);
  }

  @Test
  void everyPackageIsInTheArchitecture() throws IOException {
    Set<String> spans = Markdown.read("ARCHITECTURE.md").spans();
    assertEquals(
        List.of(),
        SourceTree.main().packages().keySet().stream()
            .filter(name -> !spans.contains(name))
            .toList());
  }

  @Test
  void packagesInTheArchitectureExist() throws IOException {
    Map<String, String> packages = SourceTree.main().packages();
    List<List<String>> rows = Markdown.read("ARCHITECTURE.md").table("module", "package");
    assertEquals(packages.size(), rows.size());
    String module = "";
    for (List<String> row : rows) {
      module = row.get(0).isEmpty() ? module : row.get(0);
      String name = row.get(1).replace("`", "");
      assertEquals(packages.get(name), module, name);
    }
  }

  /** Words of several capitals in the picture of the data's way are classes. */
  @Test
  void classesInTheDrawingExist() throws IOException {
    Map<String, String> types = types();
    List<String> labels =
        LABEL
            .matcher(Markdown.read("docs/drawings/data.dot").text())
            .results()
            .map(label -> label.group(1).replace("\\n", " "))
            .toList();
    assertTrue(labels.size() > 10);
    assertEquals(
        List.of(),
        labels.stream()
            .flatMap(label -> Pattern.compile("\\b[A-Z][a-z]+[A-Z]\\w+").matcher(label).results())
            .map(name -> name.group())
            .filter(name -> !types.containsKey(name))
            .filter(name -> !Set.of("SavedModel", "TensorFlow", "JavaScript").contains(name))
            .toList());
  }
}
