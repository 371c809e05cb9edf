//! Compiles in what is kept in files of its own: the migrations, which sqlx reads, and the golden files, of which a
//! table is written here, so that a new one needs no line of code.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    println!("cargo:rerun-if-changed=migrations");
    println!("cargo:rerun-if-changed=src/dialect");
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    fs::write(out.join("golden.rs"), golden(&root.join("src/dialect"))?)
}

/// `&[("dialect", "send.text", include_str!(…)), …]`, in the order of the paths.
fn golden(dialects: &Path) -> io::Result<String> {
    let mut table = String::from("&[\n");
    for folder in entries(dialects)?.iter().map(|dialect| dialect.join("fixtures")).filter(|folder| folder.is_dir()) {
        let dialect = name(dialects, &folder.with_file_name("")).replace('_', "-");
        for file in entries(&folder)?.iter().filter(|file| is_shown(file)) {
            let name = name(&folder, &file.with_extension(""));
            let _ = writeln!(table, "    ({dialect:?}, {name:?}, include_str!({:?})),", file.display().to_string());
        }
    }
    Ok(table + "]\n")
}

/// Requests as the vendors document them, and answers; odd spellings and what is refused are for the tests alone.
fn is_shown(file: &Path) -> bool {
    let name = file.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    ["send.", "decode.", "accepted.", "fault."].iter().any(|kind| name.starts_with(kind))
}

fn name(folder: &Path, path: &Path) -> String {
    path.strip_prefix(folder).map(|name| name.display().to_string()).unwrap_or_default()
}

fn entries(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found: Vec<_> =
        fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
    found.sort();
    Ok(found)
}
