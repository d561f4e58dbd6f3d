//! Writes the JSON Schemas of policies and scenarios into a folder: `cargo run --example schemas --features schema -- FOLDER`.

use std::path::PathBuf;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = PathBuf::from(std::env::args().nth(1).ok_or("name the folder to write to")?);
    std::fs::create_dir_all(&folder)?;
    let schemas = [
        ("policy", schemars::schema_for!(credpool::policy::Policy)),
        ("scenario", schemars::schema_for!(credpool::simulate::Scenario)),
    ];
    for (name, schema) in schemas {
        let text = serde_json::to_string_pretty(&schema)? + "\n";
        std::fs::write(folder.join(format!("{name}.json")), text)?;
    }
    Ok(())
}
