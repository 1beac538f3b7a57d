use std::{env, fs};
use tensorflow::{Graph, SavedModelBundle, SessionOptions, SessionRunArgs, Tensor};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let files: Vec<String> = env::args().skip(1).collect();
    let n: u64 = files[3].parse()?;
    let mut graph = Graph::new();
    let model = SavedModelBundle::load(&SessionOptions::new(), ["serve"], &mut graph, &files[0])?;
    let values: Vec<i32> = fs::read(&files[1])?
        .chunks_exact(4)
        .map(|bytes| i32::from_le_bytes(bytes.try_into().unwrap()))
        .collect();
    let tokens = Tensor::new(&[values.len() as u64 / n, n]).with_values(&values)?;
    let mut call = SessionRunArgs::new();
    call.add_feed(&graph.operation_by_name_required("tokens")?, 0, &tokens);
    let logits = call.request_fetch(&graph.operation_by_name_required("logits")?, 0);
    model.session.run(&mut call)?;
    let logits: Tensor<f32> = call.fetch(logits)?;
    fs::write(&files[2], logits.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<u8>>())?;
    Ok(())
}
