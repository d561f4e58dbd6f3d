//! Writes the list of all scenario files that pass, with their texts.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios");
    println!("cargo::rerun-if-changed={}", root.display());
    let waiting =
        std::fs::read_to_string(root.join("waiting.txt")).expect("tests/scenarios/waiting.txt is there");
    let waits = |name: &str| waiting.lines().any(|line| line.split(' ').next() == Some(name));
    let mut files = Vec::new();
    collect(&root, &mut files);
    files.sort();
    let mut list = String::from("&[\n");
    for file in &files {
        let name = file.strip_prefix(&root).expect("it is below").to_string_lossy().replace('\\', "/");
        if !waits(&name) {
            let path = file.to_string_lossy();
            writeln!(list, "({name:?}, include_str!({path:?})),").expect("a text takes anything");
        }
    }
    list.push_str("]\n");
    let out = PathBuf::from(std::env::var_os("OUT_DIR").expect("cargo says where"));
    std::fs::write(out.join("files.rs"), list).expect("cargo's folder can be written");
}

fn collect(folder: &Path, out: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder can be read") {
        let path = entry.expect("it is there").path();
        if path.is_dir() {
            collect(&path, out);
        } else if path.extension().is_some_and(|extension| extension == "json") {
            out.push(path);
        }
    }
}
