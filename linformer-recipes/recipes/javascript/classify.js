import fs from "node:fs";
import * as tf from "@tensorflow/tfjs";

const [folder, tokensFile, logitsFile] = process.argv.slice(2);
const read = (name) => fs.readFileSync(`${folder}/tfjs/serving_default/${name}`);
const json = JSON.parse(read("model.json"));
const model = await tf.loadGraphModel({
  load: async () => ({
    modelTopology: json.modelTopology,
    signature: json.signature,
    weightSpecs: json.weightsManifest[0].weights,
    weightData: new Uint8Array(Buffer.concat(json.weightsManifest[0].paths.map(read))).buffer,
  }),
});
const bytes = new Uint8Array(fs.readFileSync(tokensFile));
const n = model.inputs[0].shape[1];
const tokens = tf.tensor2d(new Int32Array(bytes.buffer), [bytes.length / 4 / n, n], "int32");
const logits = model.execute({ tokens }, "logits");
fs.writeFileSync(logitsFile, new Uint8Array(logits.dataSync().buffer));
