//! The real binaries, run in homes of their own under the temp folder and on loopback only. What a
//! test expects of them is kept out.
//!
//! Every command is typed into `omni`, and the daemons are `omni` too, the one of this build or the
//! one that `OMNI_TEST_BINARY` names; only [`Place::up_faulty`] runs `omni-faulty`.

use std::fmt::Display;
use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant, SystemTime};

use serde_json::Value;
use tempfile::TempDir;

/// No single step of a test may take so long.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// The binary `omni`, which users get.
///
/// # Panics
/// If it was not built since its sources changed; `cargo build --workspace` builds it.
#[must_use]
pub fn binary() -> PathBuf {
    // Whoever names one, as those who test a packaged program, knows what it was built from.
    let named = std::env::var_os("OMNI_TEST_BINARY");
    named.map_or_else(|| built("omni"), PathBuf::from)
}

/// The binary `omni-faulty`, which users never get.
///
/// # Panics
/// As [`binary`].
#[must_use]
pub fn faulty_binary() -> PathBuf {
    built("omni-faulty")
}

/// A binary of this build: it lies beside the folder of the test executables. Running the tests
/// of one package does not build it, so one older than its sources is not taken.
fn built(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("a test knows its executable");
    let mut folders = test.ancestors().skip(1).take(2);
    let found = folders.find_map(|folder| {
        let path = folder.join(name);
        let built = fs::metadata(&path).ok()?.modified().ok()?;
        Some((path, built))
    });
    let (path, built) = found.expect("it is built: run `cargo build --workspace` first");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let changed = ["node/src", "protocol/src"].map(|folder| newest(&root.join(folder)));
    assert!(
        changed.iter().all(|&changed| changed <= built),
        "{name} is older than its sources: run `cargo build --workspace` first"
    );
    path
}

/// When the last file below a folder was changed.
fn newest(folder: &Path) -> SystemTime {
    let mut newest = SystemTime::UNIX_EPOCH;
    for entry in fs::read_dir(folder).expect("sources lie beside the tests") {
        let entry = entry.expect("a folder can be read");
        let meta = entry.metadata().expect("a file has a time");
        let changed = if meta.is_dir() {
            self::newest(&entry.path())
        } else {
            meta.modified().expect("a file has a time")
        };
        newest = newest.max(changed);
    }
    newest
}

/// A temp folder in which commands run without anything of this user's environment.
#[derive(Debug)]
pub struct Place {
    folder: TempDir,
    port: Port,
    program: Option<PathBuf>,
}

impl Default for Place {
    fn default() -> Self {
        Self::new()
    }
}

impl Place {
    /// An empty one.
    ///
    /// # Panics
    /// If the system gives no temp folder.
    #[must_use]
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temp folder");
        fs::create_dir(folder.path().join("run")).expect("a folder for sockets");
        let port = Port::claim();
        Self {
            folder,
            port,
            program: None,
        }
    }

    /// Takes another program for `omni` here.
    pub fn set_program(&mut self, program: PathBuf) {
        self.program = Some(program);
    }

    /// The port on loopback where its node meets others, the same after a restart.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port.number
    }

    /// Has the node meet others elsewhere from its next start on.
    pub fn move_port(&mut self) {
        self.port = Port::claim();
    }

    /// The folder itself.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The home that commands use here.
    #[must_use]
    pub fn home(&self) -> PathBuf {
        self.path().join("node")
    }

    /// The variables that commands get here, and no others.
    #[must_use]
    pub fn variables(&self) -> Vec<(&'static str, String)> {
        let text = |path: PathBuf| path.display().to_string();
        vec![
            ("HOME", text(self.path().to_owned())),
            ("OMNI_HOME", text(self.home())),
            (
                "OMNI_NET_LISTEN",
                format!(
                    "/ip4/127.0.0.1/udp/{0}/quic-v1,/ip4/127.0.0.1/tcp/{0}",
                    self.port.number
                ),
            ),
            ("XDG_RUNTIME_DIR", text(self.path().join("run"))),
            ("PATH", std::env::var("PATH").unwrap_or_default()),
        ]
    }

    /// A command that will run here.
    #[must_use]
    pub fn command(&self, args: &[&str]) -> Command {
        let program = self.program.clone().unwrap_or_else(binary);
        self.command_of(&program, args)
    }

    /// The same for another program than `omni`.
    #[must_use]
    pub fn command_of(&self, program: &Path, args: &[&str]) -> Command {
        let mut command = Command::new(program);
        command
            .args(args)
            .env_clear()
            .envs(self.variables())
            .current_dir(self.path())
            .stdin(Stdio::null());
        command
    }

    /// Runs a command to its end.
    ///
    /// # Panics
    /// If it can't be run.
    #[must_use]
    pub fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().expect("omni runs")
    }

    /// Runs a command that must end well, and gives what it printed.
    ///
    /// # Panics
    /// If it ends otherwise.
    pub fn ok(&self, args: &[&str]) -> String {
        let output = self.run(args);
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "omni {args:?}: {stderr}");
        String::from_utf8(output.stdout).expect("it prints UTF-8")
    }

    /// Starts a daemon here and waits until it is ready.
    ///
    /// # Panics
    /// If it does not become ready.
    #[must_use]
    pub fn up(self, args: &[&str]) -> Node {
        let up = self.command(&[&["up"], args].concat());
        self.up_by(up)
    }

    /// The same with `omni-faulty` and the variables that tell it where to fail.
    ///
    /// # Panics
    /// As [`Self::up`].
    #[must_use]
    pub fn up_faulty(self, faults: &[(&str, &str)]) -> Node {
        let mut up = self.command_of(&faulty_binary(), &["up"]);
        up.envs(faults.iter().copied());
        self.up_by(up)
    }

    /// The same by a command that the test made itself.
    ///
    /// # Panics
    /// As [`Self::up`].
    #[must_use]
    pub fn up_by(self, mut up: Command) -> Node {
        let mut options = fs::File::options();
        let log = options.create(true).append(true);
        let log = log.open(self.path().join("log"));
        let log = log.expect("a file for the log");
        up.stdout(Stdio::null()).stderr(log);
        let child = up.spawn().expect("omni runs");
        let node = Node { child, place: self };
        node.place.ok(&["wait", "--ready", "--timeout", "30s"]);
        node
    }
}

/// A running daemon. Killed when dropped, if it still runs.
#[derive(Debug)]
pub struct Node {
    child: Child,
    place: Place,
}

impl Node {
    /// Makes a home and starts a daemon in it.
    #[must_use]
    pub fn start() -> Self {
        Self::named("Test partner")
    }

    /// Makes a home of a partner with this name and starts a daemon in it.
    #[must_use]
    pub fn named(name: &str) -> Self {
        let place = Place::new();
        place.ok(&["init", "--name", name, "--network", "test"]);
        place.up(&[])
    }

    /// Kills the daemon as a power cut would, and starts another in the same home.
    #[must_use]
    pub fn killed_and_up_again(self) -> Self {
        self.killed().up(&[])
    }

    /// Kills the daemon as a power cut would.
    ///
    /// # Panics
    /// If it can't be killed.
    #[must_use]
    pub fn killed(mut self) -> Place {
        self.child.kill().expect("it is ours");
        self.end().1
    }

    /// Runs a command at this node that must end well, and reads its JSON document.
    ///
    /// # Panics
    /// If it ends otherwise or prints none.
    pub fn json(&self, args: &[&str]) -> Value {
        let text = self.place.ok(&[args, &["--json"]].concat());
        serde_json::from_str(&text).expect("one document")
    }

    /// Its partner id.
    ///
    /// # Panics
    /// If it does not answer.
    #[must_use]
    pub fn partner(&self) -> String {
        let status = self.json(&["status"]);
        status["partner"].as_str().expect("a text").to_owned()
    }

    /// What it knows of another partner; null if nothing.
    #[must_use]
    pub fn peer(&self, partner: &str) -> Value {
        let all = self.json(&["peer", "ls"]);
        let peers = all["peers"].as_array().expect("a list");
        let found = peers.iter().find(|peer| peer["partner"] == partner);
        found.cloned().unwrap_or_default()
    }

    /// Makes this node and `other` partners by an invite of `other`, and waits until they are.
    pub fn befriend(&self, other: &Self) {
        let invite = other.json(&["peer", "invite"]);
        let invite = invite["invite"].as_str().expect("a text");
        self.place.ok(&["peer", "add", invite]);
        self.wait_for_session(other);
    }

    /// Waits until this node and `other` know each other as partners and have a session.
    pub fn wait_for_session(&self, other: &Self) {
        let (one, two) = (self.partner(), other.partner());
        wait_for("a session of two partners", PATIENCE, || {
            let (two, one) = (self.peer(&two), other.peer(&one));
            let both = [one, two];
            both.iter()
                .all(|p| p["connected"] == true && p["standing"] == "partner")
                .then_some(())
        });
    }

    /// Where it runs.
    #[must_use]
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Its process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it wrote to its log so far.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(self.place.path().join("log")).unwrap_or_default()
    }

    /// A member of its `api.json`.
    ///
    /// # Panics
    /// If there is none.
    #[must_use]
    pub fn endpoint(&self, member: &str) -> String {
        let text = fs::read_to_string(self.place.home().join("api.json")).expect("api.json");
        let json: Value = serde_json::from_str(&text).expect("it is JSON");
        json[member].as_str().expect("it is a text").to_owned()
    }

    /// Its token.
    ///
    /// # Panics
    /// If there is none.
    #[must_use]
    pub fn token(&self) -> String {
        let text = fs::read_to_string(self.place.home().join("api.token")).expect("api.token");
        text.trim().to_owned()
    }

    /// Sends bytes to its HTTP address and gives all that comes back until it closes.
    ///
    /// # Panics
    /// If it takes no connection.
    #[must_use]
    pub fn http(&self, bytes: &[u8]) -> String {
        let stream = TcpStream::connect(self.endpoint("http")).expect("it takes connections");
        stream
            .set_read_timeout(Some(PATIENCE))
            .expect("a socket has timeouts");
        exchange(stream, bytes)
    }

    /// The same over its Unix socket.
    ///
    /// # Panics
    /// If it takes no connection.
    #[must_use]
    pub fn socket(&self, bytes: &[u8]) -> String {
        let stream = UnixStream::connect(self.endpoint("socket")).expect("it takes connections");
        stream
            .set_read_timeout(Some(PATIENCE))
            .expect("a socket has timeouts");
        exchange(stream, bytes)
    }

    /// Sends it a signal by name, such as `TERM`, through the shell's own `kill`: the program of
    /// that name is missing on a minimal system.
    ///
    /// # Panics
    /// If there is no shell or no such signal.
    pub fn signal(&self, name: &str) {
        let pid = self.pid().to_string();
        let kill = Command::new("sh")
            .args(["-c", "kill -s \"$0\" \"$1\"", name, &pid])
            .status();
        assert!(kill.expect("kill runs").success());
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// If it does not end in time.
    pub fn end(mut self) -> (std::process::ExitStatus, Place) {
        let (status, _) = wait_for("the end of a daemon", PATIENCE, || {
            self.child.try_wait().expect("it is ours")
        });
        let place = std::mem::take(&mut self.place);
        (status, place)
    }
}

/// Asks again until there is an answer, and gives it with the time that it took.
///
/// # Panics
/// When there is none in time, naming what was waited for.
pub fn wait_for<T>(
    what: &str,
    patience: Duration,
    mut look: impl FnMut() -> Option<T>,
) -> (T, Duration) {
    wait_to_see(what, patience, || look().ok_or("nothing"))
}

/// As [`wait_for`], where each look that finds no answer says what it saw instead.
///
/// # Panics
/// When there is none in time, naming what was waited for and what was seen last.
pub fn wait_to_see<T, E: Display>(
    what: &str,
    patience: Duration,
    mut look: impl FnMut() -> Result<T, E>,
) -> (T, Duration) {
    let begun = Instant::now();
    loop {
        let seen = match look() {
            Ok(found) => return (found, begun.elapsed()),
            Err(seen) => seen,
        };
        let waited = begun.elapsed();
        assert!(
            waited < patience,
            "waited {waited:?} for {what}, and saw {seen}"
        );
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// A port on loopback that no other test takes while this is held, though the node that listens there
/// is down for a moment. Free for both transports when it was taken, and below those that the system
/// gives to outgoing connections, that `omni init` draws and that messages have as an example.
#[derive(Debug)]
pub(crate) struct Port {
    pub(crate) number: u16,
    /// A name that the system gives to one process at a time and takes back when that ends.
    _claim: UnixDatagram,
}

impl Port {
    /// One that is free at this moment.
    pub(crate) fn claim() -> Self {
        static NEXT: AtomicU16 = AtomicU16::new(0);
        // Test processes that run at once begin at different places.
        let begin = u16::try_from(std::process::id() % 560).unwrap_or_default() * 16;
        loop {
            let step = NEXT.fetch_add(1, Ordering::Relaxed);
            if let Some(port) = Self::claim_one(11_000 + begin.wrapping_add(step) % 9_000) {
                return port;
            }
        }
    }

    fn claim_one(number: u16) -> Option<Self> {
        let name = SocketAddr::from_abstract_name(format!("omni-test-port-{number}"));
        let claim = UnixDatagram::bind_addr(&name.expect("it is short")).ok()?;
        TcpListener::bind(("127.0.0.1", number)).ok()?;
        UdpSocket::bind(("127.0.0.1", number)).ok()?;
        Some(Self {
            number,
            _claim: claim,
        })
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{} wrote to its log:\n{}", self.pid(), self.log());
        }
        // It may have ended already, which is what is wanted.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn exchange(mut stream: impl Read + Write, bytes: &[u8]) -> String {
    // The other side may answer and close before it has taken everything.
    drop(stream.write_all(bytes));
    let mut answer = Vec::new();
    drop(stream.read_to_end(&mut answer));
    String::from_utf8_lossy(&answer).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_claimed_once_though_nobody_listens() {
        let port = Port::claim();
        assert!(Port::claim_one(port.number).is_none());
    }

    #[test]
    fn a_port_where_somebody_listens_is_not_claimed() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let number = listener.local_addr().unwrap().port();
        assert!(Port::claim_one(number).is_none());
    }
}
