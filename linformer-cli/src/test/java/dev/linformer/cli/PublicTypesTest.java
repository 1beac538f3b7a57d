package dev.linformer.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaCodeUnit;
import com.tngtech.archunit.core.domain.JavaField;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.domain.JavaType;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * A public class outside packages named {@code internal} is for users: a document, an example, a
 * notebook or the page of a package names it, or it stands in a public signature of one that is
 * named. What only other packages of this project use belongs into a package named {@code
 * internal}.
 */
@AnalyzeClasses(packages = "dev.linformer", importOptions = ImportOption.DoNotIncludeTests.class)
class PublicTypesTest {

  private static final Pattern NAME = Pattern.compile("\\b[A-Z]\\w+");

  /** Pages for those who change this project. */
  private static final Set<String> FOR_CONTRIBUTORS =
      Set.of("ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md");

  @ArchTest
  static void publicClassesAreForUsers(JavaClasses classes) throws IOException {
    Map<String, List<JavaClass>> byOutermost = new TreeMap<>();
    for (JavaClass each : classes) {
      if (each.getModifiers().contains(JavaModifier.PUBLIC) && !isInternal(each)) {
        byOutermost.computeIfAbsent(outermost(each), name -> new ArrayList<>()).add(each);
      }
    }
    byOutermost.keySet().removeIf(name -> !isPublic(classes.get(name)));
    assertTrue(byOutermost.size() > 50, "classes are looked at");

    Set<String> names = namesForUsers();
    Set<String> forUsers = new TreeSet<>();
    Deque<String> open = new ArrayDeque<>();
    for (String name : byOutermost.keySet()) {
      if (names.contains(classes.get(name).getSimpleName())) {
        forUsers.add(name);
        open.add(name);
      }
    }
    while (!open.isEmpty()) {
      for (JavaClass each : byOutermost.getOrDefault(open.remove(), List.of())) {
        for (JavaType type : signatures(each).toList()) {
          for (JavaClass involved : type.getAllInvolvedRawTypes()) {
            String name = outermost(involved);
            if (byOutermost.containsKey(name) && forUsers.add(name)) {
              open.add(name);
            }
          }
        }
      }
    }
    Set<String> unnamed = new TreeSet<>(byOutermost.keySet());
    unnamed.removeAll(forUsers);
    assertEquals(
        Set.of(),
        unnamed,
        "public, but shown to nobody: name them to users, or put them into a package named internal");
  }

  private static boolean isPublic(JavaClass type) {
    return type.getModifiers().contains(JavaModifier.PUBLIC);
  }

  private static boolean isInternal(JavaClass type) {
    return List.of(type.getPackageName().split("\\.", -1)).contains("internal");
  }

  private static String outermost(JavaClass type) {
    JavaClass outer = type;
    while (outer.getEnclosingClass().isPresent()) {
      outer = outer.getEnclosingClass().get();
    }
    return outer.getName();
  }

  /** The types in what a class shows: supertypes, fields, parameters and results. */
  private static Stream<JavaType> signatures(JavaClass type) {
    Stream<JavaType> above =
        Stream.concat(type.getSuperclass().stream(), type.getInterfaces().stream());
    Stream<JavaType> fields =
        type.getFields().stream()
            .filter(field -> isShown(field.getModifiers()))
            .map(JavaField::getType);
    Stream<JavaType> units =
        type.getCodeUnits().stream()
            .filter(unit -> isShown(unit.getModifiers()))
            .flatMap(PublicTypesTest::signature);
    return Stream.of(above, fields, units).flatMap(each -> each);
  }

  private static Stream<JavaType> signature(JavaCodeUnit unit) {
    return Stream.concat(Stream.of(unit.getReturnType()), unit.getParameterTypes().stream());
  }

  private static boolean isShown(Set<JavaModifier> modifiers) {
    return modifiers.contains(JavaModifier.PUBLIC) || modifiers.contains(JavaModifier.PROTECTED);
  }

  /** What begins with a capital where users read. */
  private static Set<String> namesForUsers() throws IOException {
    List<String> texts = new ArrayList<>();
    for (Markdown page : Markdown.all()) {
      if (!FOR_CONTRIBUTORS.contains(page.name())
          && !page.name().startsWith("docs/adr/")
          && !page.name().startsWith("docs/log/")) {
        texts.add(page.text());
      }
    }
    SourceTree.main().files().entrySet().stream()
        .filter(file -> file.getKey().endsWith("/package-info.java"))
        .filter(file -> !file.getKey().contains("/internal/"))
        .forEach(file -> texts.add(file.getValue()));
    for (String folder : List.of("examples", "notebooks", "consumer/tests")) {
      try (Stream<Path> files = Files.walk(Markdown.ROOT.resolve(folder))) {
        for (Path file :
            files.filter(each -> each.toString().matches(".*\\.(java|ipynb)")).toList()) {
          texts.add(Files.readString(file));
        }
      }
    }
    Set<String> names = new TreeSet<>();
    for (String text : texts) {
      NAME.matcher(text).results().map(MatchResult::group).forEach(names::add);
    }
    return names;
  }
}
