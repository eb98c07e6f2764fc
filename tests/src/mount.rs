//! A file system of a given size in memory, for tests that fill a disk or take its rights away. It
//! needs a right that only some machines give.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A mounted file system, taken away when dropped.
#[derive(Debug)]
pub struct Mount {
    folder: PathBuf,
}

impl Mount {
    /// Mounts one over a folder.
    ///
    /// # Errors
    /// What `mount` says; nobody but root may do this.
    pub fn tmpfs(folder: &Path, mib: u32) -> Result<Self, String> {
        let options = format!("size={mib}m,mode=0700");
        let run = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &options, "none"])
            .arg(folder)
            .output();
        let folder = folder.to_owned();
        match run {
            Ok(output) if output.status.success() => Ok(Self { folder }),
            Ok(output) => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.folder
    }

    /// Refuses all writing from now on.
    ///
    /// # Panics
    /// If `mount` fails.
    pub fn make_read_only(&self) {
        let done = Command::new("mount")
            .args(["-o", "remount,ro"])
            .arg(self.path())
            .status()
            .expect("mount runs");
        assert!(done.success());
    }

    /// Makes a file here longer until only `left` bytes are free.
    ///
    /// # Panics
    /// If it can't be written.
    pub fn fill_but(&self, left: u64) {
        let mut options = File::options();
        let mut file = options
            .create(true)
            .append(true)
            .open(self.filler())
            .expect("made");
        let mut bytes = self.free_bytes().saturating_sub(left);
        while bytes > 0 {
            let block = &[0xa5; 64 << 10][..bytes.min(64 << 10) as usize];
            if file.write_all(block).is_err() {
                return; // Others wrote too: it is as full as it gets.
            }
            bytes -= block.len() as u64;
        }
    }

    /// Removes that file.
    ///
    /// # Panics
    /// If there is none.
    pub fn empty(&self) {
        std::fs::remove_file(self.filler()).expect("removed");
    }

    fn filler(&self) -> PathBuf {
        self.folder.join("filler")
    }

    fn free_bytes(&self) -> u64 {
        let df = Command::new("df")
            .args(["--output=avail", "-B1"])
            .arg(self.path())
            .output()
            .expect("df runs");
        let text = String::from_utf8_lossy(&df.stdout).into_owned();
        let number = text
            .lines()
            .nth(1)
            .and_then(|line| line.trim().parse().ok());
        number.expect("a number")
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let done = Command::new("umount").arg("-l").arg(&self.folder).status();
        if !done.is_ok_and(|status| status.success()) {
            println!("{} stays mounted", self.folder.display());
        }
    }
}
