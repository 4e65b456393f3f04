//! Services that others wrote, hardened by `harden` and then run on another systemd: the tables of docs/hardened.md.

use crate::published::Published;
use crate::services::{DEBIAN, Hardened, NEWER, Table, told};
use crate::{BORE, STATIC_WEB_SERVER};

const PAGE: &str = "docs/hardened.md";

/// What was found, as in a table. Which of them is found first is of one run.
fn needs(hardened: &Hardened) -> String {
    let mut needs = hardened.needs();
    needs.sort_unstable();
    needs.iter().map(|need| format!("`{need}`")).collect::<Vec<_>>().join(", ")
}

fn rest(hardened: &Hardened) -> [String; 2] {
    [hardened.trials().to_string(), format!("{:.0} s", hardened.seconds)]
}

#[test]
fn units_of_debian_come_out_hardened_and_work_on_another_systemd() {
    let (mut table, mut needed) = (Table::of(PAGE), Table::of(PAGE));
    for service in &DEBIAN {
        let hardened = service.hardened();
        hardened.holds(service.open.len());
        let newer = service.verified(NEWER, Some(hardened.drop_in()));
        assert_eq!(newer.failed, [] as [String; 0], "{}", service.name);
        assert_eq!(newer.allowed, service.open, "{}", service.name);
        let (name, refused, [trials, time]) =
            (format!("`{}`", service.name), newer.refused.len().to_string(), rest(&hardened));
        table.row(&[&name, &hardened.change(), &refused], &[&trials, &time]);
        needed.row(&[&name, &format!("`--works {}`", quoted(service.works)), &needs(&hardened)], &[]);
    }
    told(&[table, needed]);
}

/// As a shell takes it.
fn quoted(word: &str) -> String {
    if word.contains(' ') { format!("\"{word}\"") } else { word.to_owned() }
}

/// The metadata of a maintainer who has declared nothing but how the service is run and how it is seen to work, without what
/// these lines begin with.
fn checks_alone(metadata: &str, dropped: &[&str]) -> String {
    let is_kept = |line: &&str| !dropped.iter().any(|start| line.starts_with(start));
    metadata.split_inclusive('\n').filter(is_kept).collect()
}

#[test]
fn services_of_crates_io_come_out_with_what_their_maintainers_declare() {
    let mut table = Table::of(PAGE);
    let mut found = |published: &Published, dropped: &[&str], needs: &[&str]| {
        let source = published.source_declaring(&checks_alone(published.metadata, dropped));
        let hardened = source.harden(&["--apply"]);
        hardened.holds(0);
        assert_eq!(hardened.needs(), needs, "{}", published.name);
        let newer = source.verify(&["--image", &NEWER.systemd.to_string()]);
        assert_eq!(newer.code, 0, "{}\n{:#}", newer.errors, newer.report);
        let refused = newer.unit()["summary"]["refused"].to_string();
        let [trials, time] = rest(&hardened);
        table.row(&[&format!("`{}`", published.name), &hardened.change(), &refused], &[&trials, &time]);
    };
    found(&STATIC_WEB_SERVER, &["listen ="], &["listen = [\"tcp:8787\"]"]);
    // Whoever asks it twice for one port is told that it is in use: that it is ready must do.
    let dropped = ["listen =", "needs =", "unit.", "works ="];
    found(&BORE, &dropped, &["listen = [\"tcp:7835\"]", "needs = [\"default-signals\"]"]);
    told(&[table]);
}
