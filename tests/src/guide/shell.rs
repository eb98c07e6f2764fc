//! A place in which the commands of the guide are typed: files, homes, and a terminal for each
//! node that runs.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread;

use tempfile::TempDir;

use crate::omni::{PATIENCE, Port, binary};

/// What a page calls the folder in which it happens.
const FOLDER: &str = "/srv/omni";
/// What a page may type besides `omni`.
const TOOLS: [&str; 6] = ["cat", "chmod", "kill", "ls", "mkdir", "rm"];

/// What a node says when it is ready.
const UP_LINES: usize = 3;

/// What a command said, on both ways, and its exit code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// The exit code.
    pub code: i32,
    /// What it printed, errors first.
    pub text: String,
}

/// A place with its homes and the nodes that run in them.
#[derive(Debug)]
pub struct Shell {
    folder: TempDir,
    homes: Vec<(String, Port)>,
    nodes: Vec<(String, Child)>,
}

impl Shell {
    /// An empty place with a copy of these files.
    ///
    /// # Panics
    /// If the system gives no temp folder.
    #[must_use]
    pub fn open(files: &Path) -> Self {
        let folder = tempfile::tempdir().expect("a temp folder");
        fs::create_dir(folder.path().join("run")).expect("a folder for sockets");
        for file in fs::read_dir(files).expect("the guide has files") {
            let file = file.expect("an entry");
            let to = folder.path().join(file.file_name());
            fs::copy(file.path(), to).expect("a file can be copied");
        }
        Self {
            folder,
            homes: Vec::new(),
            nodes: Vec::new(),
        }
    }

    /// Types a command. A node that starts stays in a terminal of its own.
    ///
    /// # Panics
    /// If the page types what is no command here.
    pub fn say(&mut self, typed: &str) -> Said {
        let words = words(typed);
        let (program, args) = words.split_first().expect("a command has a word");
        let home = args
            .iter()
            .position(|arg| arg == "--home")
            .and_then(|at| args.get(at + 1));
        let home = home.map_or("node", String::as_str).to_owned();
        // What is no command of ours goes through the shell, which has a `kill` of its own.
        let mut command = if program == "omni" {
            Command::new(binary())
        } else {
            assert!(
                TOOLS.contains(&program.as_str()),
                "{program} is not typed here"
            );
            let mut shell = Command::new("/bin/sh");
            shell.args(["-c", "\"$0\" \"$@\"", program]);
            shell
        };
        command
            .args(args)
            .env_clear()
            .envs(self.variables(&home))
            .current_dir(self.folder.path())
            .stdin(Stdio::null());
        // Whatever a page says, nobody else's process is touched.
        if program == "kill" {
            let process = args.last().and_then(|last| last.parse().ok());
            let is_ours = process.is_some_and(|process| self.runs(process));
            assert!(is_ours, "{typed}: that is no node of the guide");
        }
        let is_up = program == "omni" && args.iter().any(|arg| arg == "up");
        let said = if is_up {
            self.start(command, &home)
        } else {
            let Output {
                status,
                stdout,
                stderr,
            } = command.output().expect("it runs");
            let text = [stderr, stdout].concat();
            Said {
                code: status.code().unwrap_or(-1),
                text: String::from_utf8_lossy(&text).into_owned(),
            }
        };
        let folder = self.folder.path().display().to_string();
        Said {
            code: said.code,
            text: said.text.replace(&folder, FOLDER),
        }
    }

    /// Whether a process is a node that was started here and not waited for, so that its number is
    /// still its own.
    fn runs(&self, process: u32) -> bool {
        self.nodes.iter().any(|(_, child)| child.id() == process)
    }

    /// Nothing of this user's environment, and for each home a port on loopback of its own.
    fn variables(&mut self, home: &str) -> Vec<(&'static str, String)> {
        let known = self.homes.iter().find(|(known, _)| known == home);
        let port = known.map(|(_, port)| port.number).unwrap_or_else(|| {
            let port = Port::claim();
            let number = port.number;
            self.homes.push((home.to_owned(), port));
            number
        });
        let text = |path: PathBuf| path.display().to_string();
        let root = self.folder.path();
        vec![
            ("HOME", text(root.to_owned())),
            ("OMNI_HOME", text(root.join("node"))),
            (
                "OMNI_NET_LISTEN",
                format!("/ip4/127.0.0.1/udp/{port}/quic-v1,/ip4/127.0.0.1/tcp/{port}"),
            ),
            ("XDG_RUNTIME_DIR", text(root.join("run"))),
            ("PATH", std::env::var("PATH").unwrap_or_default()),
        ]
    }

    fn start(&mut self, mut command: Command, home: &str) -> Said {
        let log = self.folder.path().join(format!("{home}.log"));
        let file = fs::File::create(&log).expect("a file for the log");
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(file)
            .spawn()
            .expect("omni runs");
        let stdout = child.stdout.take().expect("it is piped");
        let said = said_so_far(&read_in_background(stdout), UP_LINES);
        match said {
            Some(text) => {
                self.nodes.push((home.to_owned(), child));
                Said { code: 0, text }
            }
            // It ended instead, and the log says why.
            None => {
                let status = child.wait().expect("it ended");
                let text = fs::read_to_string(&log).unwrap_or_default();
                let error = text.find("error: ").and_then(|at| text.get(at..));
                Said {
                    code: status.code().unwrap_or(-1),
                    text: error.unwrap_or(&text).to_owned(),
                }
            }
        }
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        for (_, child) in &mut self.nodes {
            // The guide may have stopped it already.
            drop(child.kill());
            drop(child.wait());
        }
    }
}

/// The lines of a stream, one by one, read for as long as it lasts.
fn read_in_background(stdout: ChildStdout) -> Receiver<String> {
    let (lines, read) = sync_channel(64);
    thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            // Nobody waits for more any longer, and the pipe has to be emptied.
            drop(lines.try_send(line));
        }
    });
    read
}

/// The first lines; none where the stream ended before.
fn said_so_far(read: &Receiver<String>, lines: usize) -> Option<String> {
    let mut text = String::new();
    for _ in 0..lines {
        match read.recv_timeout(PATIENCE) {
            Ok(line) => text.push_str(&format!("{line}\n")),
            Err(RecvTimeoutError::Timeout) => return Some(text),
            Err(RecvTimeoutError::Disconnected) => return None,
        }
    }
    Some(text)
}

/// The words of a command line: parted by spaces, which quotes hold together.
#[must_use]
pub fn words(typed: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    for c in typed.chars() {
        match (c, quote) {
            (c, Some(open)) if c == open => quote = None,
            ('"' | '\'', None) => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (' ', None) => words.extend(word.take()),
            (c, _) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_parted_as_a_shell_does() {
        let check = |typed: &str, expected: &[&str]| assert_eq!(words(typed), expected);
        check("omni a  b", &["omni", "a", "b"]);
        check("a \"b c\" 'd \"e'", &["a", "b c", "d \"e"]);
        check("a '' x=\"y z\"", &["a", "", "x=y z"]);
    }
}
