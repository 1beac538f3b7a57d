package dev.linformer.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What is wrong on a command line or in its files is said in a line that names it and what would
 * do; the exit code is 2, and nothing is written.
 */
class BadInputTest {

  private static final String PREDICT_ENCODER = "predict --model encoder --output y.npy --input ";
  private static final String PREDICT = "predict --model encoder --input x.npy ";
  private static final String PREDICT_CLASSIFIER =
      "predict --model trained --output y.npy --input ";

  @TempDir static Path folder = Path.of("");

  @BeforeAll
  static void write() throws IOException {
    json("encoder.json", Fixtures.ENCODER);
    json("long-encoder.json", Fixtures.ENCODER.replace(": 6", ": 64"));
    json("classifier.json", Fixtures.CLASSIFIER);
    json("unknown-key.json", Fixtures.ENCODER.replace("dim_k", "dim_kk"));
    json("extra-key.json", Fixtures.ENCODER.replace("{", "{\"heads\": 2, "));
    json("type.json", Fixtures.ENCODER.replace(": 4", ": \"4\""));
    json("fraction.json", Fixtures.ENCODER.replace(": 4", ": 4.5"));
    json("long-k.json", Fixtures.ENCODER.replace(": 3", ": 7"));
    json("heads.json", Fixtures.ENCODER.replace(": 2", ": 3"));
    json("model-type.json", Fixtures.CLASSIFIER.replace("classifier", "generator"));
    json("short.json", Fixtures.CLASSIFIER.replace(": 24", ": 8"));
    json("vocabulary.json", Fixtures.CLASSIFIER.replace("num_tokens\": 16", "num_tokens\": 15"));
    String training = Fixtures.CLASSIFIER.replace("}", ", \"training_args\": {}}");
    json("wide-training.json", training.replace("dim_k\": 4", "dim_k\": 25"));
    json("extra-training.json", training.replace("{\"model", "{\"heads\": 2, \"model"));
    json("classless.json", training.replace(", \"num_classes\": 10", ""));
    json("settings.json", training.replace("{}", "[3]"));
    json("task.json", Fixtures.CLASSIFIER.replace("}", ", \"task\": \"listops\"}"));
    json("no-json.json", "{\"input_size\": 6,\n");
    json("list.json", "[6, 4, 3]");

    Cli.done("init", "--config", at("encoder.json"), "--out", at("encoder"));
    Fixtures.trained(at("trained"), at("classifier.json"));
    Cli.done("init", "--config", at("encoder.json"), "--out", at("damaged"));
    Fixtures.truncate(at("damaged/model.safetensors"));
    Fixtures.trained(at("damaged-trained"), at("classifier.json"));
    Fixtures.truncate(at("damaged-trained/model.safetensors"));
    Cli.done("init", "--config", at("encoder.json"), "--out", at("mixed"));
    Files.writeString(at("mixed/config.json"), Fixtures.ENCODER.replace(": 5", ": 7"));
    Files.createDirectory(at("foreign"));
    Files.writeString(at("foreign/notes.txt"), "mine");
    Files.writeString(at("file"), "mine");

    Fixtures.npy(at("x.npy"), "<f4", "(1, 6, 4)", new byte[96]);
    Fixtures.npy(at("short.npy"), "<f4", "(1, 5, 4)", new byte[80]);
    Fixtures.npy(at("long.npy"), "<f4", "(1, 7, 4)", new byte[112]);
    Fixtures.npy(at("flat.npy"), "<f4", "(6, 4)", new byte[96]);
    Fixtures.npy(at("empty.npy"), "<f4", "(0, 6, 4)", new byte[0]);
    Fixtures.npy(at("complex.npy"), "<c8", "(1, 6, 4)", new byte[192]);
    Fixtures.npy(at("mask.npy"), "|b1", "(1, 24)", new byte[24]);
    Fixtures.npy(at("truncated.npy"), "<f4", "(1, 6, 4)", new byte[90]);
    Fixtures.npy(at("floats.npy"), "<f4", "(1, 24)", new byte[96]);
    Fixtures.ints(at("ints.npy"), "(1, 6, 4)", new int[24]);
    Fixtures.ints(at("large.npy"), "(1, 24)", tokens(16));
    Fixtures.ints(at("negative.npy"), "(1, 24)", tokens(-1));
    Files.writeString(at("text.npy"), "1 2 3 4 5 6 7 8 9");
    Files.createLink(at("hard.npy"), at("x.npy"));
    Files.createSymbolicLink(at("soft.png"), Path.of("x.npy"));
    Files.writeString(at("log.jsonl"), "{\"step\":1,\"loss\":2}\n");
    Files.createLink(at("log.png"), at("log.jsonl"));
  }

  private static int[] tokens(int last) {
    int[] tokens = new int[24];
    tokens[23] = last;
    return tokens;
  }

  private static void json(String name, String content) throws IOException {
    Files.writeString(at(name), content);
  }

  private static Path at(String name) {
    return folder.resolve(name);
  }

  /** A command line, whose names of files are below the folder, and what it answers. */
  static Stream<Arguments> commands() {
    return Stream.of(
        // The command line itself.
        bad("", "Missing required subcommand"),
        bad("trane", "there is no command 'trane'"),
        bad("init --config encoder.json --out new --sede 3", "Unknown options: '--sede', '3'"),
        bad("init --out new", "Missing required option: '--config=<config>'"),
        bad("init --config encoder.json", "Missing required option: '--out=<out>'"),
        bad("init --config encoder.json --out new --seed x", "'--seed': 'x' is not a long"),
        bad("summary", "Missing required option: '--config=<config>'"),
        bad("eval", "Missing required option: '--model=<model>'"),
        bad("export --model encoder", "Missing required option: '--out=<out>'"),
        bad(PREDICT_ENCODER.replace("--input ", ""), "Missing required option: '--input=<input>'"),
        // Configurations.
        bad(init("missing.json"), "linformer init: {}/missing.json: no such file"),
        bad(init("foreign"), "{}/foreign: is a folder, and a file is expected"),
        bad(init("no-json.json"), "{}/no-json.json: not valid JSON, line 2: "),
        bad(init("list.json"), "{}/list.json: a JSON object {…} is expected"),
        bad(init("unknown-key.json"), "{}/unknown-key.json: key \"dim_k\" is missing"),
        bad(init("extra-key.json"), "{}/extra-key.json: unknown key \"heads\"; known are "),
        bad(init("type.json"), "{}/type.json: channels = \"4\", but a whole number is expected"),
        bad(init("fraction.json"), "channels = 4.5, but a whole number is expected"),
        bad(init("long-k.json"), "dim_k = 7, but 1 to input_size = 6 is expected"),
        bad(init("heads.json"), "channels = 4 is not divisible by nhead = 3; set dim_d"),
        bad(init("model-type.json"), "model_type = generator, but one of linformer, classifier"),
        bad("summary --config extra-key.json", "{}/extra-key.json: unknown key \"heads\""),
        bad("summary --config wide-training.json", "dim_k = 25, but 1 to input_size = 24 is"),
        bad("summary --config extra-training.json", "extra-training.json: unknown key \"heads\""),
        bad("summary --config classless.json", "{}/classless.json: key \"num_classes\" is missing"),
        bad("summary --config settings.json", "{}/settings.json: training_args = [3], but an obj"),
        bad("summary --config task.json", "{}/task.json: task = \"listops\", but an object {…} is"),
        bad("summary --config no-json.json", "{}/no-json.json: not valid JSON, line 2: "),
        bad(
            "summary --config encoder.json --memory --batch 2147483647",
            "batch = 2147483647, but at most 357913941 is expected: "),
        bad(
            "train --config classifier.json --out new --batch 2147483647",
            "batch_size = 2147483647, but at most 1048576 is expected"),
        bad("train --config long-k.json --out new", "dim_k = 7, but 1 to input_size = 6"),
        bad("train --config missing.json --out new", "{}/missing.json: no such file"),
        // Where models go.
        bad("init --config encoder.json --out encoder", "{}/encoder holds a model already; name a"),
        bad(
            "init --config encoder.json --out foreign",
            "{}/foreign is not empty and holds no model"),
        bad("init --config encoder.json --out file", "{}/file is a file; name a new or empty"),
        bad("init --config encoder.json --out file/new", "{}/file/new: cannot write there ("),
        bad(train("--out trained"), "{}/trained holds a model already; name a new or empty folder"),
        bad(train("--out foreign"), "{}/foreign is not empty and holds no model of ours"),
        bad(train("--out file"), "{}/file is a file; name a new or empty folder"),
        bad("export --model encoder --out foreign", "{}/foreign holds other things than versions"),
        bad("export --model encoder --out encoder", "{}/encoder holds other things than versions"),
        bad("export --model encoder --out new --formats coreml", "format coreml, but one of save"),
        bad(
            "export --model encoder --out new --signatures decode",
            "signature decode: only a lang"),
        bad("export --model encoder --out new --signatures all", "signature all, but one of servi"),
        bad("export --model encoder --out new --precision int8", "precision int8, but float32 is"),
        bad(
            "export --model encoder --out new --lengths 7",
            "--lengths 7, but trained, fixed, masked or any"),
        bad("export --model encoder --out new --attention-layers 3", "attention of layer 3, but 0"),
        bad(
            "export --model encoder --out new --attention-layers x",
            "--attention-layers x, but lay"),
        bad(
            "export --model encoder --out new --formats tfjs --precision bfloat16",
            "tfjs: TensorFlow.js has no bfloat16; export it with precision float32"),
        bad("export --model encoder --out file", "{}/file is a file; name a folder"),
        // Where models come from.
        bad("export --model missing --out new", "{}/missing: no such folder"),
        bad("export --model foreign --out new", "{}/foreign is no model directory: config.json is"),
        bad("export --model damaged --out new", "{}/damaged/model.safetensors: truncated: header"),
        bad("export --model mixed --out new", "{}/mixed/model.safetensors doesn't fit the config"),
        bad("predict --model damaged --output y.npy --input x.npy", "safetensors: truncated: "),
        bad("predict --model file --output y.npy --input x.npy", "{}/file: no such folder"),
        bad("eval --model damaged-trained", "{}/damaged-trained/model.safetensors: truncated: "),
        bad("eval --model encoder", "{}/encoder: no training there, trainer_state.json is missing"),
        bad("eval --model missing", "{}/missing: no such folder"),
        // Inputs and outputs of predict.
        bad(PREDICT_ENCODER + "missing.npy", "--input {}/missing.npy: no such file"),
        bad(PREDICT_ENCODER + "foreign", "--input {}/foreign: is a folder, and a file is expected"),
        bad(PREDICT_ENCODER + "text.npy", "{}/text.npy is no .npy file: save it with numpy.save"),
        bad(PREDICT_ENCODER + "truncated.npy", "{}/truncated.npy is truncated: shape [1, 6, 4]"),
        bad(PREDICT_ENCODER + "complex.npy", "{}/complex.npy holds neither floats nor integers of"),
        bad(PREDICT_ENCODER + "long.npy", "has shape [1, 7, 4], but the model takes [b, 6, 4]"),
        bad(PREDICT_ENCODER + "flat.npy", "has shape [6, 4], but the model takes [b, 6, 4]"),
        bad(PREDICT_ENCODER + "empty.npy", "has shape [0, 6, 4], but the model takes [b, 6, 4]"),
        bad(PREDICT_ENCODER + "ints.npy", "{}/ints.npy holds integers, and floats are needed"),
        bad(PREDICT_CLASSIFIER + "x.npy", "has shape [1, 6, 4], but the model takes [b, 24] with"),
        bad(PREDICT_CLASSIFIER + "floats.npy", "holds floats, and integers are needed: save it"),
        bad(PREDICT_CLASSIFIER + "mask.npy", "mask.npy: holds booleans, and tokens are integers"),
        bad(PREDICT_CLASSIFIER + "large.npy", "large.npy: token 16, but 0 to num_tokens - 1 = 15"),
        bad(PREDICT_CLASSIFIER + "negative.npy", "token -1, but 0 to num_tokens - 1 = 15 is"),
        bad(
            "predict --model encoder --input x.npy --output missing/y.npy",
            "--output {}/missing/y.npy: no folder {}/missing"),
        bad(
            "predict --model encoder --input x.npy --output foreign",
            "--output {}/foreign is a folder; name a file"),
        // Outputs that are inputs.
        bad(
            PREDICT + "--output x.npy",
            "--output {}/x.npy is {}/x.npy, which is read; name another"),
        bad(PREDICT + "--output hard.npy", "--output {}/hard.npy is {}/x.npy, which is read; name"),
        bad(PREDICT + "--output soft.png", "--output {}/soft.png is {}/x.npy, which is read; name"),
        bad(
            PREDICT + "--mask short.npy --output short.npy",
            "is {}/short.npy, which is read; name"),
        bad(PREDICT + "--source ints.npy --output ints.npy", "is {}/ints.npy, which is read; name"),
        bad(PREDICT + "--source-mask flat.npy --output flat.npy", "is {}/flat.npy, which is read"),
        bad(PREDICT + "--output encoder/config.json", "is {}/encoder/config.json, which is read"),
        bad(
            "export-weights --to linformer-pytorch --model encoder --out encoder/model.safetensors",
            "--out {}/encoder/model.safetensors is {}/encoder/model.safetensors, which is read"),
        bad(
            "visualize --model encoder --input x.npy --out soft.png",
            "--out {}/soft.png is {}/x.npy, which is read; name another file, or it would be lost"),
        bad(
            "plot --log log.jsonl --out log.png",
            "--out {}/log.png is {}/log.jsonl, which is read"),
        bad(
            "import --from linformer-pytorch --config encoder.json --weights encoder/model.safetensors --out encoder/model.safetensors",
            "{}/encoder/model.safetensors is a file; name a new or empty folder"),
        bad(
            "init --config encoder.json --out encoder.json",
            "{}/encoder.json is a file; name a new"),
        bad(
            "train --task causal-lm --data foreign --out foreign/new/run",
            "the training's folder {}/foreign/new/run would lie in --data {}/foreign and become"),
        bad(
            "bench --only none --json missing/x.json",
            "--json {}/missing/x.json: no folder {}/missing"),
        bad("bench --only none --json foreign", "--json {}/foreign is a folder; name a file"),
        // What is to be seen.
        bad("visualize --input x.npy --out x.png", "Missing required option: '--model=<model>'"),
        bad("visualize --model encoder --input x.npy", "Missing required option: '--out=<out>'"),
        bad(visualize("encoder", ""), "one of --input and --text is expected"),
        bad(visualize("encoder", "--input x.npy --text a"), "one of --input and --text is expec"),
        bad(visualize("missing", "--input x.npy"), "--model {}/missing: no such folder"),
        bad(visualize("file", "--input x.npy"), "--model {}/file: no such folder"),
        bad(visualize("foreign", "--input x.npy"), "{}/foreign: no SavedModel there, saved_model"),
        bad(visualize("damaged", "--input x.npy"), "{}/damaged/model.safetensors: truncated: hea"),
        bad(visualize("encoder", "--input missing.npy"), "--input {}/missing.npy: no such file"),
        bad(visualize("encoder", "--input text.npy"), "{}/text.npy is no .npy file: save it with"),
        bad(visualize("encoder", "--input empty.npy"), "empty.npy has shape [0, 6, 4], but [b,n"),
        bad(visualize("encoder", "--input floats.npy"), "floats.npy: input inputs takes [b, m, 4]"),
        bad(visualize("encoder", "--input ints.npy"), "input inputs is float32 [b, m, 4], but int"),
        bad(visualize("encoder", "--text a"), "--text: this model takes vectors; give them with"),
        bad(
            visualize("encoder", "--input x.npy --source x.npy"),
            "--source: this model takes none"),
        bad(
            visualize("trained", "--input large.npy"),
            "--input {}/large.npy: input tokens: token 16, but 0 to num_tokens - 1 = 15 is"),
        bad(visualize("trained", "--text a"), "no ListOps expression: 'a' is none of"),
        bad(
            visualize("encoder", "--input x.npy --layer 1"),
            "layer 1, but of these there is P-bar"),
        bad(visualize("encoder", "--input x.npy --layer -1"), "layer -1, but at least 0 is expec"),
        bad(visualize("encoder", "--input x.npy --layer x"), "'--layer': 'x' is not an int"),
        bad(visualize("encoder", "--input x.npy --head 2"), "head 2, but 0 to nhead - 1 = 1 is"),
        bad(visualize("encoder", "--input x.npy --n-limit 0"), "n-limit 0, but at least 1 is"),
        bad(
            "visualize --model encoder --input x.npy --out new",
            "--out {}/new: a name that ends in .png is expected"),
        bad(
            "visualize --model encoder --input x.npy --out missing/x.png",
            "--out {}/missing/x.png: no folder {}/missing"),
        // What train is asked to do.
        bad(
            train("--out new --task translate"),
            "--task translate: no such task; there are listops, masked-lm, causal-lm, classify,"
                + " copy"),
        bad(train("--out new --steps 0"), "steps = 0, but at least 1 is expected"),
        bad(train("--out new --steps 1.5"), "'--steps': '1.5' is not an int"),
        bad(train("--out new --batch 0"), "batch_size = 0, but at least 1 is expected"),
        bad(train("--out new --learning-rate -1"), "learning_rate = -1.0, but a number above 0"),
        bad(
            train("--out new --learning-rate 0"),
            "learning_rate = 0.0, but a number above 0 within"),
        bad(
            train("--out new --learning-rate 1e300"),
            "learning_rate = 1.0E300, but a number above 0 within float32 is"),
        bad(
            train("--out new --set training_args.weight_decay=1e300"),
            "weight_decay = 1.0E300, but a number from 0 on within float32 is"),
        bad(
            train("--time-feeding 2147483647"),
            "--time-feeding 2147483647, but at most 1000000 is expected"),
        bad(train("--out new --threads 999999"), "threads = 999999, but at most 1024 is expected"),
        bad(train("--out new --batch 1000000000"), "batch_size = 1000000000, but at most 1048576"),
        bad(
            train("--out new --batch 1000000 --set input_size=4096 --set task.max_length=100"),
            "batch_size = 1000000, but with input_size = 4096 at most 524287 is"),
        bad(
            train("--out new --set training_args.gradient_accumulation_steps=1000000000"),
            "gradient_accumulation_steps = 1000000000, but at most 65536 is expected"),
        bad(
            train("--out new --set task.num_test=1000000000"),
            "num_test = 1000000000, but at most 16777216 is expected"),
        bad(
            train("--out new --set task.num_validation=1000000000"),
            "num_validation = 1000000000, but at most 16777216 is expected"),
        bad(train("--out new --learning-rate NaN"), "learning_rate = NaN, but a number above 0"),
        bad(train("--out new --learning-rate Infinity"), "learning_rate = Infinity, but a number"),
        bad(train("--out new --threads -1"), "threads = -1, but at least 0 is expected"),
        bad(
            "train --config long-encoder.json --out new",
            "{}/long-encoder.json: model_type = linformer, but the task listops trains a"
                + " classifier"),
        bad(
            "train --config short.json --out new",
            "input_size = 8 is too small for the task listops: no ListOps expression has"),
        bad(
            "train --config vocabulary.json --out new",
            "{}/vocabulary.json: num_tokens = 15, but the task listops has 16 tokens; set it to 16,"),
        bad(train("--out new --task copy"), "{}/classifier.json: model_type = classifier, but"),
        bad(train("--out new --task causal-lm"), "the task causal-lm needs text: name files or"),
        bad(train("--out new --set dim_k=99"), "dim_k = 99, but 1 to input_size = 24 is expected"),
        bad(train("--out new --set dim_k=few"), "dim_k = \"few\", but a whole number is expected"),
        bad(
            train("--out new --set model.dim_k=3"),
            "--set model.dim_k: only training_args and task"),
        bad(
            train("--out new --set training_args=5 --set training_args.seed=3"),
            "--set training_args.seed: training_args = 5, but an object {…} is expected"),
        bad(
            train("--out new --set task=null --set task.seed=3"),
            "--set task.seed: task = null, but an object {…} is expected"),
        bad(train("--out new --set training_args="), "training_args = \"\", but an object {…} is"),
        bad(train("--out new --set dim_k="), "dim_k = \"\", but a whole number is expected"),
        bad(train("--out new --set dim_k=3,4"), "dim_k = \"3,4\", but a whole number is expected"),
        bad(train("--out new --set dim_k=[3]]"), "--set dim_k=[3]]: not valid JSON: "),
        bad(
            train("--out new --set training_args={\"seed\":1,\"seed\":2}"),
            "not valid JSON: Duplicate field 'seed'"),
        bad(train("--out new --set dim_k"), "--set"),
        bad(train("--out new --set task=3"), "{}/classifier.json: task = 3, but an object {…} is"),
        bad(
            train("--out new --set task.name=copy --task listops"),
            "the task in {}/classifier.json is"),
        bad(
            train("--out new --set training_args.optim=lion"),
            "optim = lion, but one of adamw, sgd,"),
        bad(
            train("--out new --set task.depth=3"),
            "{}/classifier.json, task: unknown key \"depth\""),
        bad(train("--out new --dry-run"), "--dry-run writes nothing; leave out --out"),
        // Where train goes on.
        bad("train --resume missing", "--resume {}/missing: no such folder"),
        bad("train --resume file", "--resume {}/file: no such folder"),
        bad("train --resume foreign", "{}/foreign: no training there, trainer_state.json is"),
        bad("train --resume encoder", "{}/encoder: no training there, trainer_state.json is"),
        bad("train --resume trained --config classifier.json", leaveOut("--config")),
        bad("train --resume trained --task listops", leaveOut("--task")),
        bad("train --resume trained --out new", leaveOut("--out")),
        bad("train --resume trained --data new", leaveOut("--data")),
        bad("train --resume trained --set dim_k=3", leaveOut("--set")),
        bad("train --resume trained --dry-run", leaveOut("--dry-run")),
        bad("train --resume trained --steps 9", leaveOut("--steps")),
        bad("train --resume trained --batch 9", leaveOut("--batch")),
        bad("train --resume trained --learning-rate 1", leaveOut("--learning-rate")),
        bad("train --resume trained --seed 9", leaveOut("--seed")),
        bad("train --resume trained --threads 1", leaveOut("--threads")));
  }

  private static Arguments bad(String command, String message) {
    return Arguments.of(command, message);
  }

  private static String init(String config) {
    return "init --out new --config " + config;
  }

  private static String visualize(String model, String options) {
    return "visualize --model %s --out new.png %s".formatted(model, options);
  }

  private static String train(String options) {
    return "train --config classifier.json " + options;
  }

  private static String leaveOut(String option) {
    return "--resume goes on with the settings in {}/trained; leave out " + option;
  }

  @ParameterizedTest
  @MethodSource("commands")
  void isRefused(String command, String message) throws IOException {
    String before = Fixtures.tree(folder);
    Cli cli =
        Cli.run(
            Stream.of(command.split(" ", -1))
                .filter(word -> !word.isEmpty())
                .map(BadInputTest::inFolder)
                .toArray());
    String expected = message.replace("{}", folder.toString());
    assertTrue(cli.err().contains(expected), cli::toString);
    assertEquals(2, cli.code(), cli::toString);
    assertEquals("", cli.out());
    assertEquals(before, Fixtures.tree(folder));
  }

  /** Names of files are those of the fixtures, and "new" and "missing", which are not there. */
  private static String inFolder(String word) {
    String first = Path.of(word).getName(0).toString();
    boolean file =
        first.contains(".") && !first.contains("=") && Character.isLetter(first.charAt(0));
    return file || Files.exists(at(first)) || first.equals("new") || first.equals("missing")
        ? at(word).toString()
        : word;
  }

  /** Words that hold spaces, or what cannot stand in a file. */
  @Test
  void anythingMayStandInAnArgument() {
    refused("dim_k = \"3 4\", but a whole number is expected", training("--set", "dim_k=3 4"));
    refused("--set dim_k={} 3: not valid JSON: Trailing token", training("--set", "dim_k={} 3"));
    refused("'--config': 'a\\u0000b' can't be a file: Nul", "init", "--config", "a\0b");
    refused("'--config': a name of a file or folder is expected", "init", "--config", "");
    refused("linformer init: a\\nb: no such file", "init", "--config", "a\nb", "--out", at("new"));
    refused("'--s\\u001b[31m'", "init", "--config", "a", "--out", "b", "--s\u001b[31m");
    refused(
        "'a\\u0000b' can't be a file: Nul",
        "train",
        "--task",
        "causal-lm",
        "--out",
        at("new"),
        "--set",
        "task.data=[\"a\\u0000b\"]");
    refused("@|red x|@", "@|red x|@");
    refused("there is no command '@" + at("encoder.json"), "@" + at("encoder.json"));
    refused("there is no command 'a\\u202eb'", "a\u202eb");
    refused("a\ufffd has characters that Java can't read in this locale's", "init", "a\ufffd");
    assertTrue(Cli.run("a".repeat(100_000)).err().length() < 10_000);
  }

  private static Object[] training(Object... options) {
    Object[] all = {"train", "--config", at("classifier.json"), "--out", at("new"), "", ""};
    System.arraycopy(options, 0, all, 5, 2);
    return all;
  }

  private static void refused(String message, Object... arguments) {
    Cli cli = Cli.run(arguments);
    assertTrue(cli.err().contains(message), cli::toString);
    assertTrue(cli.err().chars().noneMatch(each -> each < ' ' && each != '\n'), cli::toString);
    assertEquals(2, cli.code(), cli::toString);
  }

  @Test
  @EnabledOnOs(OS.LINUX)
  void whereNothingCanBeWrittenIsRefused() {
    Object config = at("classifier.json");
    for (Cli cli :
        new Cli[] {
          Cli.run("init", "--config", config, "--out", "/proc/model"),
          Cli.run("train", "--config", config, "--out", "/proc/model"),
          Cli.run("export", "--model", at("encoder"), "--out", "/proc/model"),
          Cli.run(
              "predict",
              "--model",
              at("encoder"),
              "--input",
              at("x.npy"),
              "--output",
              "/proc/model"),
          Cli.run(
              "export-weights",
              "--to",
              "linformer-pytorch",
              "--model",
              at("encoder"),
              "--out",
              "/proc/model"),
          Cli.run("bench", "--only", "none", "--json", "/proc/model")
        }) {
      assertTrue(cli.err().contains("/proc/model: cannot write there ("), cli::toString);
      assertTrue(cli.err().contains("that you may write to"), cli::toString);
      assertEquals(2, cli.code(), cli::toString);
    }
  }
}
