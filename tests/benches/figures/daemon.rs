//! The program `omni` of this very build, and what the system says of its processes. Under the name
//! `omni` this executable is that program, so that nothing is compiled twice.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use omni_tests::omni::{PATIENCE, Place};

/// Whether this process was started as `omni`.
pub(crate) fn is_meant() -> bool {
    let name = std::env::args_os().next().map(PathBuf::from);
    name.is_some_and(|name| name.file_name().is_some_and(|name| name == "omni"))
}

/// An initialised home, and the program under its name beside it.
pub(crate) fn place(name: &str) -> Place {
    let mut place = Place::new();
    let program = place.path().join("omni");
    let itself = std::env::current_exe().expect("it has a path");
    symlink(itself, &program).expect("linked");
    place.set_program(program);
    place.ok(&["init", "--name", name, "--network", "test"]);
    place
}

/// A running daemon, ended at the latest when it is dropped.
#[derive(Debug)]
pub(crate) struct Daemon(Child);

impl Daemon {
    pub(crate) fn pid(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It may have ended already, which is what is wanted.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Starts the daemon of a place, and says how long it took until it answered.
pub(crate) fn begin(place: &Place) -> (Daemon, Duration) {
    let log = fs::File::create(place.path().join("log")).expect("a file for the log");
    let ready = place.home().join("api.json");
    let begun = Instant::now();
    let mut up = place.command(&["up"]);
    up.stdout(Stdio::null()).stderr(log);
    let daemon = Daemon(up.spawn().expect("runs"));
    while !ready.exists() {
        assert!(begun.elapsed() < PATIENCE, "it is not ready in time");
        std::thread::sleep(Duration::from_micros(500));
    }
    (daemon, begun.elapsed())
}

/// Mebibytes that a process holds.
pub(crate) fn resident_mib(pid: u32) -> f64 {
    let status = read(pid, "status");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB"));
    let kib: f64 = kib.and_then(|kib| kib.parse().ok()).expect("a size");
    kib / 1024.0
}

/// Seconds of processor time that a process has used.
pub(crate) fn processor_seconds(pid: u32) -> f64 {
    // proc(5): after the name in brackets utime and stime are the 12th and 13th field, in ticks.
    let stat = read(pid, "stat");
    let (_, fields) = stat.rsplit_once(") ").expect("a name in brackets");
    let ticks = fields.split(' ').skip(11).take(2);
    let ticks: f64 = ticks
        .map(|ticks| ticks.parse::<f64>().expect("ticks"))
        .sum();
    ticks / ticks_per_second()
}

fn ticks_per_second() -> f64 {
    let told = Command::new("getconf").arg("CLK_TCK").output();
    let told = told.expect("getconf runs").stdout;
    let text = String::from_utf8(told).expect("digits");
    text.trim().parse().expect("a number")
}

fn read(pid: u32, file: &str) -> String {
    let path = Path::new("/proc").join(pid.to_string()).join(file);
    fs::read_to_string(path).expect("it runs")
}
