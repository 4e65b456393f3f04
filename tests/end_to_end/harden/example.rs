//! The examples without what they declare to need.

use std::path::Path;
use tempfile::TempDir;

/// What each of them is made of that a search does not find, and what it is to find.
pub const EXAMPLES: &[(&str, &str, &[&str])] = &[
    ("hello-http", "", &["type = \"notify\"", "listen = [\"tcp:80\"]", "state = true"]),
    ("overreach", "", &["type = \"notify\"", "listen = [\"tcp:8080\"]"]),
    (
        "unix-echo",
        "",
        &["listen = [\"unix:/run/unix-echo/echo.sock\"]", "socket = true", "needs = [\"default-signals\"]"],
    ),
    ("worker", "timer = { on_calendar = \"daily\" }", &["state = true"]),
];

/// A copy of an example of whose metadata only the checks are left, and what makes it the service that it is.
pub fn stripped(root: &Path, name: &str, kept: &str) -> TempDir {
    let (folder, example) = (tempfile::tempdir().unwrap(), root.join("examples").join(name));
    let text = std::fs::read_to_string(example.join("Cargo.toml")).unwrap();
    let tables = text.split_inclusive('\n').fold(Vec::<String>::new(), |mut tables, line| {
        match tables.last_mut() {
            Some(table) if !line.starts_with('[') => table.push_str(line),
            _ => tables.push(line.to_owned()),
        }
        tables
    });
    let service = format!("[package.metadata.sandbox-unit.service.{name}");
    let dropped = ["[dev-dependencies]", "[package.metadata.sandbox-unit]", &format!("{service}]")];
    let mut left: String =
        tables.into_iter().filter(|table| !dropped.iter().any(|head| table.starts_with(head))).collect();
    assert!(left.contains(&format!("{service}.verify]")), "{left}");
    left.push_str(&format!("\n{service}]\n{kept}\n[workspace]\n"));
    std::fs::write(folder.path().join("Cargo.toml"), left).unwrap();
    std::fs::copy(root.join("Cargo.lock"), folder.path().join("Cargo.lock")).unwrap();
    std::os::unix::fs::symlink(example.join("src"), folder.path().join("src")).unwrap();
    folder
}
