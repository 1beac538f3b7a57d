package dev.linformer.cli;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.linformer.export.Commands;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/**
 * What the launcher starts where: a copy of it, in a project whose build and whose Java are scripts
 * that say what they were asked.
 */
@DisabledOnOs(value = OS.WINDOWS, disabledReason = "it is a script for bash")
class LauncherScriptTest {

  private static final String JAVA =
      """
      #!/bin/sh
      echo "encoding: $(locale charmap)"
      echo "flags: ${TF_XLA_FLAGS-none}"
      for each; do echo "<$each>"; done
      """;

  @TempDir private Path folder = Path.of("");
  private Path project = Path.of("");

  @BeforeEach
  void copy() throws IOException {
    folder = folder.toRealPath();
    project = Files.createDirectories(folder.resolve("my project"));
    Files.copy(Path.of("..", "linformer"), project.resolve("linformer"));
    Files.createDirectories(project.resolve("linformer-cli/src/main"));
    Files.createDirectories(project.resolve("linformer-cli/target"));
    Files.writeString(project.resolve("pom.xml"), "");
    Files.writeString(project.resolve("linformer-cli/pom.xml"), "");
    Files.createDirectories(folder.resolve("bin"));
    script(folder.resolve("bin/java"), JAVA);
    built();
  }

  private static void script(Path file, String text) throws IOException {
    Files.writeString(file, text);
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
  }

  private void built() throws IOException {
    Path classpath = Files.writeString(project.resolve("linformer-cli/target/classpath"), "a.jar");
    Files.setLastModifiedTime(classpath, FileTime.from(Instant.now().plusSeconds(60)));
  }

  /** Runs a line of bash in the folder, with the scripts before all other programs. */
  private String run(int code, String line) throws IOException {
    List<String> command = List.of("bash", "-c", "unset JAVA_HOME JAVA_OPTS TF_XLA_FLAGS; " + line);
    String path = folder.resolve("bin") + ":" + System.getenv("PATH");
    return Commands.run(code, command, folder, Child.PATIENCE, Map.of("PATH", path));
  }

  private void assertStarts(String printed) {
    assertTrue(printed.contains("<" + project + "/linformer-cli/target/classes:a.jar>"), printed);
  }

  @Test
  void aLinkLeadsToTheProject() throws Exception {
    String links =
        """
        mkdir -p links other deep/deeper/my\\ project
        ln -s '../my project/linformer' links/first
        ln -s "$PWD/links/first" links/second
        ln -s ../../links deep/deeper/there
        cd other
        """;
    assertStarts(run(0, links + "../deep/deeper/there/second --help"));
    assertStarts(run(0, "deep/deeper/there/first --help"));
    assertStarts(run(0, "PATH=$PWD/links:$PATH; cd /; first --help"));
  }

  @Test
  void anotherFolderIsNoMatter() throws Exception {
    assertStarts(run(0, "'my project/linformer'"));
    assertStarts(run(0, "cd 'my project'; bash linformer"));
    // With CDPATH cd prints where it goes.
    assertStarts(run(0, "export CDPATH=.:$PWD:/; 'my project/linformer'"));
    assertStarts(run(0, "export CDPATH=/:$PWD; 'my project/linformer'"));
  }

  @Test
  void argumentsStayWhatTheyAre() throws Exception {
    assumeTrue(run(0, "locale -a").matches("(?is).*utf-?8.*"), "no locale of UTF-8 is there");
    String text = "na\u00efve caf\u00e9 \u03a9"; // Octal below, for a test in any locale.
    String prompt = "\"$(printf 'na\\303\\257ve caf\\303\\251 \\316\\251')\" '' '*' '@a'";
    for (String locale :
        List.of("LC_ALL=C", "LC_ALL=POSIX", "LC_ALL=", "LANG=C LC_CTYPE=C", "LC_ALL=none.UTF-8")) {
      String printed =
          run(0, "unset LANG LC_CTYPE; export " + locale + "; my*/linformer " + prompt);
      assertTrue(printed.contains("encoding: UTF-8\n"), printed);
      assertTrue(printed.endsWith("<%s>\n<>\n<*>\n<@a>\n".formatted(text)), printed);
    }
    // Whoever has a locale of UTF-8 keeps it.
    String kept = run(0, "export LC_ALL=C.UTF-8 LANG=C; my*/linformer; echo $LC_ALL $LANG");
    assertTrue(kept.endsWith("C.UTF-8 C\n"), kept);
  }

  @Test
  void optionsOfJavaAreWordsAndNoNamesOfFiles() throws Exception {
    String printed = run(0, "touch -- -Da=b; export JAVA_OPTS='-Da=*  -Xmx1g'; my*/linformer");
    assertTrue(printed.contains("<-Da=*>\n<-Xmx1g>\n"), printed);
  }

  @Test
  void whatXlaCompilesIsKeptInAFolderOfTheUser() throws Exception {
    String flags = "flags: --tf_xla_persistent_cache_directory='%s/linformer/xla/";
    String home = run(0, "unset XDG_CACHE_HOME; export HOME=\"$PWD/a home\"; my*/linformer");
    assertTrue(home.contains(flags.formatted(folder + "/a home/.cache")), home);
    String cache = run(0, "unset HOME; export XDG_CACHE_HOME=$PWD/cache; my*/linformer");
    assertTrue(cache.contains(flags.formatted(folder + "/cache")), cache);
    for (String nowhere :
        List.of(
            "unset XDG_CACHE_HOME HOME TMPDIR",
            "export XDG_CACHE_HOME=here",
            "HOME=; XDG_CACHE_HOME=")) {
      String printed = run(0, nowhere + "; my*/linformer");
      assertTrue(printed.contains("flags: none\n"), printed);
    }
    assertFalse(Files.exists(folder.resolve("here")));
  }

  @Test
  void withoutJavaItSaysWhatIsMissing() throws Exception {
    String wrong = run(1, "export JAVA_HOME=/no/jdk; my*/linformer");
    assertTrue(
        wrong.startsWith("linformer: JAVA_HOME is /no/jdk, where there is no bin/java;"), wrong);
    String tools =
        """
        mkdir tools
        for each in bash dirname env grep locale; do
          printf '#!/bin/sh\\nexec %s "$@"\\n' "$(command -v $each)" > tools/$each
        done
        chmod a+x tools/*
        PATH=$PWD/tools my*/linformer
        """;
    String none = run(1, tools);
    assertTrue(none.startsWith("linformer: there is no java on the PATH; install a JDK"), none);
    String home = "mkdir -p jdk/bin; mv bin/java jdk/bin; export JAVA_HOME=$PWD/jdk; my*/linformer";
    assertStarts(run(0, home));
  }

  @Test
  void aColonIsRefused() throws Exception {
    String printed = run(1, "mv my* a:b; a:b/linformer");
    assertTrue(
        printed.contains("/a:b has a colon, which ends a name on Java's class path"), printed);
  }

  @Test
  void oneBuildsAndOthersWait() throws Exception {
    script(
        project.resolve("mvnw"),
        """
        #!/bin/sh
        echo built >> ../builds
        until [ "$(ls ../waiting* | wc -l)" -eq 3 ]; do sleep 0.05; done
        sleep 0.2
        : ${HOME:?}
        echo a.jar > linformer-cli/target/classpath
        """);
    Files.delete(project.resolve("linformer-cli/target/classpath"));
    String printed =
        run(
            0,
            """
            unset HOME
            for i in 1 2 3; do (touch waiting$i; exec my*/linformer $i) & done
            wait; cat builds
            """);
    assertTrue(printed.endsWith("built\n") && !printed.contains("built\nbuilt"), printed);
    for (int i = 1; i <= 3; i++) {
      assertTrue(printed.contains("<%s>".formatted(i)), printed);
    }
  }

  @Test
  void aBuildThatFailsIsSaid() throws Exception {
    script(project.resolve("mvnw"), "#!/bin/sh\necho no such artifact; exit 3\n");
    Files.delete(project.resolve("linformer-cli/target/classpath"));
    String printed = run(1, "my*/linformer");
    assertTrue(
        printed.endsWith("linformer: the build failed; ./mvnw package says more\n"), printed);
  }

  @Test
  void whereNothingCanBeWrittenRunsWhatIsBuilt() throws Exception {
    script(project.resolve("mvnw"), "#!/bin/sh\nexit 3\n");
    Path classpath = project.resolve("linformer-cli/target/classpath");
    Files.setLastModifiedTime(classpath, FileTime.from(Instant.EPOCH));
    String lock = "chmod a-w my*/linformer-cli; ";
    assumeFalse(run(0, lock + "[ -w my*/linformer-cli ] && echo root || true").contains("root"));
    String old = run(0, "my*/linformer");
    assertTrue(old.contains("cannot be written to; running what is built"), old);
    assertStarts(old);
    Files.delete(classpath);
    String none = run(1, "my*/linformer");
    assertTrue(none.startsWith("linformer: nothing is built in " + project), none);
  }
}
