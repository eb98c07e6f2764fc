//! The files of this repository, as git lists them; it judges nothing.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// A text file by its path from the root.
pub(crate) struct File {
    pub(crate) path: String,
    pub(crate) text: String,
}

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the crate lies in the workspace")
        .to_path_buf()
}

pub(crate) fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// What belongs to the repository: what git tracks, and what it would.
pub(crate) fn paths() -> Vec<String> {
    let args = [
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
    ];
    let mut paths: Vec<String> = stdout("git", &args)
        .split_terminator('\0')
        .map(str::to_owned)
        .collect();
    paths.sort();
    paths.dedup();
    paths
}

/// Every text file that git tracks or would track: what is not committed yet is checked too.
pub(crate) fn text_files() -> Vec<File> {
    let files: Vec<File> = paths()
        .into_iter()
        .filter_map(|path| {
            let text = fs::read_to_string(root().join(&path)).ok()?;
            Some(File { path, text })
        })
        .collect();
    assert!(files.iter().any(|f| f.path == "Cargo.toml"));
    files
}

pub(crate) fn rust_files() -> Vec<File> {
    let mut files = text_files();
    files.retain(|f| f.path.ends_with(".rs"));
    files
}

/// What a command prints, run in the root; a failure of the command is one of the test.
pub(crate) fn stdout(program: &str, args: &[&str]) -> String {
    let out = Command::new(program)
        .args(args)
        .current_dir(root())
        .output()
        .unwrap_or_else(|e| panic!("{program}: {e}"));
    let said = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success(), "{program} {args:?}: {said}");
    String::from_utf8(out.stdout).unwrap_or_else(|e| panic!("{program} {args:?}: {e}"))
}

pub(crate) fn is_executable(path: &str) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(root().join(path)).is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o111 > 0)
}
