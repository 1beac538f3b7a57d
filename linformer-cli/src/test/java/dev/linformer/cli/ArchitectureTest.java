package dev.linformer.cli;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.Architectures.layeredArchitecture;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;
import dev.linformer.ops.internal.Float32Math;
import org.tensorflow.Operand;
import org.tensorflow.Session;
import org.tensorflow.op.Ops;
import org.tensorflow.op.train.BatchMatMul;

/** Who may use whom: the direction in which this house is built. */
@AnalyzeClasses(packages = "dev.linformer", importOptions = ImportOption.DoNotIncludeTests.class)
class ArchitectureTest {

  @ArchTest
  static final ArchRule MODULES_USE_THOSE_BELOW =
      layeredArchitecture()
          .consideringOnlyDependenciesInLayers()
          .layer("cli")
          .definedBy("dev.linformer.cli..")
          .layer("visual")
          .definedBy("dev.linformer.visual..")
          .layer("export")
          .definedBy("dev.linformer.export..")
          .layer("bench")
          .definedBy("dev.linformer.bench..")
          .layer("model")
          .definedBy("dev.linformer.model..")
          .layer("runtime")
          .definedBy("dev.linformer.runtime..")
          .layer("io")
          .definedBy("dev.linformer.io..")
          .layer("ops")
          .definedBy("dev.linformer.ops..")
          .whereLayer("cli")
          .mayNotBeAccessedByAnyLayer()
          .whereLayer("visual")
          .mayOnlyBeAccessedByLayers("cli")
          .whereLayer("export")
          .mayOnlyBeAccessedByLayers("cli", "visual")
          .whereLayer("bench")
          .mayOnlyBeAccessedByLayers("cli")
          .whereLayer("model")
          .mayOnlyBeAccessedByLayers("cli", "visual", "export", "bench")
          .whereLayer("runtime")
          .mayOnlyBeAccessedByLayers("cli", "export", "bench", "model")
          .whereLayer("io")
          .mayNotAccessAnyLayer()
          .whereLayer("ops")
          .mayOnlyBeAccessedByLayers("cli", "visual", "export", "bench", "model", "runtime");

  @ArchTest
  static final ArchRule OPS_ROOT_KNOWS_NEITHER_PROJECTION_NOR_ATTENTION =
      noClasses()
          .that()
          .resideInAPackage("dev.linformer.ops")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(
              "dev.linformer.ops.projection..",
              "dev.linformer.ops.attention..",
              "dev.linformer.ops.internal.attention..");

  @ArchTest
  static final ArchRule PROJECTION_DOES_NOT_KNOW_ATTENTION =
      noClasses()
          .that()
          .resideInAPackage("dev.linformer.ops.projection..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(
              "dev.linformer.ops.attention..", "dev.linformer.ops.internal.attention..");

  @ArchTest
  static final ArchRule FEW_HOLD_SESSIONS =
      noClasses()
          .that()
          .resideOutsideOfPackages(
              "dev.linformer.runtime..",
              "dev.linformer.model.train..",
              "dev.linformer.model.internal.weights..",
              "dev.linformer.bench..",
              "dev.linformer.export..")
          .and()
          .doNotHaveSimpleName("WeightFile")
          .should()
          .dependOnClassesThat()
          .belongToAnyOf(Session.class);

  @ArchTest
  static final ArchRule ONLY_THE_COMMAND_LINE_PRINTS =
      noClasses()
          .that()
          .resideOutsideOfPackage("dev.linformer.cli..")
          .should()
          .accessField(System.class, "out")
          .orShould()
          .accessField(System.class, "err")
          .orShould()
          .callMethod(Throwable.class, "printStackTrace");

  @ArchTest
  static final ArchRule NOBODY_USES_THE_INNARDS_OF_TENSORFLOW =
      noClasses().should().dependOnClassesThat().resideInAPackage("org.tensorflow.internal..");

  /** A CPU is slow at it, and some runtimes don't know it: BatchProduct is there. */
  @ArchTest
  static final ArchRule NOBODY_ADDS_BATCH_MAT_MUL_V3 =
      noClasses().should().dependOnClassesThat().belongToAnyOf(BatchMatMul.class);

  /** Training, inference and decoding run one formula. */
  @ArchTest
  static final ArchRule ATTENTION_IS_WRITTEN_ONCE =
      noClasses()
          .that()
          .doNotHaveSimpleName("LinearAttention")
          .and()
          .doNotHaveSimpleName("CausalLinearAttention")
          .should()
          .callMethod(Float32Math.class, "softmax", Ops.class, Operand.class);

  @ArchTest
  static final ArchRule PACKAGES_FORM_NO_CYCLES =
      slices().matching("dev.linformer.(**)").should().beFreeOfCycles();
}
