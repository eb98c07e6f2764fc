//! The user guide, run: every console block in `tests/tests/transcripts/*.md` against the real
//! binary. `TRYCMD=overwrite` writes down what is printed now; then put `[..]` again where a line
//! differs from run to run.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use omni_tests::omni::{Place, binary};

/// A page with this sentence has a daemon, started as soon as its home is there.
const SECOND_TERMINAL: &str = "In a second terminal";

/// What a page may type besides `omni`.
const TOOLS: [&str; 6] = ["cat", "chmod", "cp", "ls", "mkdir", "rm"];

#[test]
fn pages_are_true() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts");
    let entries = fs::read_dir(&folder).unwrap();
    let mut pages: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    pages.retain(|path| path.extension().is_some_and(|e| e == "md"));
    pages.sort();
    assert!(pages.len() >= 4);
    for page in pages {
        run(&page, &folder.join("files"));
    }
}

fn run(page: &Path, files: &Path) {
    let place = Place::new();
    for file in fs::read_dir(files).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), place.path().join(file.file_name())).unwrap();
    }
    // Pages name files by short paths, from the folder they run in.
    std::env::set_current_dir(place.path()).unwrap();
    let cases = trycmd::TestCases::new();
    cases.register_bin("omni", binary());
    for tool in TOOLS {
        cases.register_bin(tool, PathBuf::from("/bin").join(tool));
    }
    for (name, value) in place.variables() {
        cases.env(name, value);
    }
    let with_daemon = fs::read_to_string(page).unwrap().contains(SECOND_TERMINAL);
    let terminal = with_daemon.then(|| Terminal::open(&place));
    cases.case(page).timeout(Duration::from_secs(60));
    cases.run();
    drop(terminal);
}

/// The second terminal: types `omni up` once there is a home.
struct Terminal {
    close: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Terminal {
    fn open(place: &Place) -> Self {
        let home = place.home();
        let mut up = Command::new(binary());
        up.arg("up")
            .env_clear()
            .envs(place.variables())
            .current_dir(place.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let (close, closed) = sync_channel::<()>(0);
        let thread = thread::spawn(move || {
            let mut child: Option<Child> = None;
            while let Err(RecvTimeoutError::Timeout) =
                closed.recv_timeout(Duration::from_millis(20))
            {
                if child.is_none() && home.join("identity").exists() {
                    child = Some(up.spawn().unwrap());
                }
            }
            if let Some(mut child) = child {
                // A page may have stopped it already.
                drop(child.kill());
                drop(child.wait());
            }
        });
        Self {
            close: Some(close),
            thread: Some(thread),
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        drop(self.close.take());
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}
