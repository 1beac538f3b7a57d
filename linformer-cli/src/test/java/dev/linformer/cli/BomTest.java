package dev.linformer.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** Who imports linformer-bom gets the versions that this build is tested with. */
class BomTest {

  private static final Path ROOT = Path.of("..");

  @Test
  void hasTheVersionsOfThisBuild() throws IOException {
    Map<String, String> tested = versions(ROOT.resolve("pom.xml"));
    Map<String, String> promised = versions(ROOT.resolve("linformer-bom/pom.xml"));
    assertTrue(promised.containsKey("protobuf.version"), promised::toString);
    promised.forEach((name, version) -> assertEquals(tested.get(name), version, name));
  }

  @Test
  void namesWhatIsPublished() throws IOException {
    String bom = Files.readString(ROOT.resolve("linformer-bom/pom.xml"));
    Matcher module =
        Pattern.compile("<module>(.+)</module>").matcher(Files.readString(ROOT.resolve("pom.xml")));
    while (module.find()) {
      String pom = Files.readString(ROOT.resolve(module.group(1)).resolve("pom.xml"));
      boolean published = pom.contains("<module.name>");
      String entry = "<artifactId>" + module.group(1) + "</artifactId>\n        <version>";
      assertEquals(published, bom.contains(entry), module.group(1));
    }
  }

  /** Of a pom, its own version and the properties that hold versions. */
  private static Map<String, String> versions(Path pom) throws IOException {
    return Pattern.compile("<((?:\\w+\\.)?version)>(\\d[^<]*)</\\1>")
        .matcher(withoutPlugins(Files.readString(pom)))
        .results()
        .collect(
            Collectors.toMap(
                found -> found.group(1), found -> found.group(2), (a, b) -> a, TreeMap::new));
  }

  private static String withoutPlugins(String pom) {
    return pom.replaceAll("(?s)<(build|profiles)>.*", "");
  }
}
