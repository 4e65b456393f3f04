//! A new user of what is published: a machine from which this repository cannot be seen.

use super::packaged::{repository, succeed};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

/// The commands that the README gives to a new user.
pub fn commands() -> Vec<String> {
    let readme = std::fs::read_to_string(repository().join("README.md")).unwrap();
    let block = readme.split("```sh from nothing\n").nth(1).unwrap().split("```").next().unwrap();
    block.lines().map(str::to_owned).collect()
}

/// Somebody with a service of their own, which declares nothing, and a home where Cargo has nothing yet.
pub struct NewUser {
    folder: tempfile::TempDir,
}

/// What came of a command.
struct Ran {
    code: i32,
    /// Everything that was printed.
    printed: String,
    took: Duration,
    /// Of all processes that it started and waited for.
    cpu: Duration,
}

impl NewUser {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let greeter = repository().join("tests/fixtures/greeter");
        succeed(Command::new("cp").arg("-r").arg(greeter).arg(folder.path()));
        let user = Self { folder };
        std::fs::create_dir_all(user.cargo_home().join("bin")).unwrap();
        user
    }

    /// Their service.
    pub fn service(&self) -> PathBuf {
        self.folder.path().join("greeter")
    }

    /// Where their Cargo installs to.
    pub fn cargo_home(&self) -> PathBuf {
        self.folder.path().join("cargo")
    }

    /// Runs a command in their repository, where this one is out of sight.
    fn run(&self, command: &str) -> Ran {
        let home = std::env::var("HOME").unwrap();
        let own = |name: &str, folder: &str| std::env::var(name).unwrap_or_else(|_| format!("{home}/{folder}"));
        // The compiler is there already, as it is for whoever has a service.
        let path = format!(
            "{}/bin:{}/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            self.cargo_home().display(),
            own("CARGO_HOME", ".cargo")
        );
        let script = format!(
            "set -euo pipefail; exec 2>&1\n\
             mount -t tmpfs -o ro nothing \"$1\"\n\
             [ -z \"$(ls -A \"$1\")\" ]\n\
             cd \"$2\"\n\
             TIMEFORMAT='@took %R %U %S'\n\
             time {{\n{command}\n}}\n"
        );
        let mut shell = Command::new("unshare");
        shell.args(["--mount", "--propagation", "private", "bash", "-c", &script, "bash"]);
        shell.arg(repository()).arg(self.service()).env_clear().env("PATH", path).env("HOME", self.folder.path());
        shell.env("CARGO_HOME", self.cargo_home()).env("RUSTUP_HOME", own("RUSTUP_HOME", ".rustup"));
        let output = shell.env("NO_COLOR", "1").current_dir("/").output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let (printed, times) = text.rsplit_once("@took ").unwrap_or((&text, "0 0 0"));
        let mut seconds = times.split_whitespace().map(|number| Duration::from_secs_f64(number.parse().unwrap()));
        let mut next = || seconds.next().unwrap();
        let (took, cpu) = (next(), next() + next());
        Ran { code: output.status.code().unwrap_or(-1), printed: printed.to_owned(), took, cpu }
    }

    /// The same with a command that must not fail: what it prints. What it took is told.
    pub fn succeed(&self, command: &str) -> String {
        let ran = self.run(command);
        assert_eq!(ran.code, 0, "{command}\n{}", ran.printed);
        eprintln!("{:7.1} s, {:6.1} s of CPU  {command}", ran.took.as_secs_f64(), ran.cpu.as_secs_f64());
        ran.printed
    }
}

/// Whether this is the report on the service: it works, the prober has run, and nothing else goes through.
pub fn assert_holds(report: &str) {
    for words in ["ok    ready: tcp 127.0.0.1:8080", "ok    every probe ran", "EROFS        ProtectSystem"] {
        assert!(report.contains(words), "{words}: {report}");
    }
    let summary = report.lines().find(|line| line.contains("greeter.service holds: ")).unwrap_or_default();
    assert!(summary.contains(" 0 allowed"), "{report}");
    let refused = summary.split(" refused").next().and_then(|text| text.rsplit(' ').next());
    assert!(refused.is_some_and(|number| number.parse::<u32>().unwrap() >= 150), "{summary}");
}
