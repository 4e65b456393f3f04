//! Services hardened by `harden` and by `shh`, side by side: the table of docs/comparison.md.

use crate::peer;
use crate::published::installed;
use crate::services::{DEBIAN, HERE, NEWER, OLDER, Service, Standing, Table, Unit, told};

const PAGE: &str = "docs/comparison.md";

const WEB_SERVER: &str = "\
[Unit]
Description=Static Web Server
[Service]
ExecStart=/usr/bin/static-web-server --host 0.0.0.0 --port 8787 --root /usr/share/common-licenses --health
";

/// A service as its author would first run it, without any sandbox.
const STATIC_WEB_SERVER: Service = Service {
    name: "static-web-server",
    works: "http://127.0.0.1:8787/GPL-3",
    unit: Unit::Written {
        text: WEB_SERVER,
        program: "/usr/bin/static-web-server",
        built: || {
            let arguments = ["--debug", "--no-default-features"];
            installed("static-web-server", "2.41.0", &arguments, "static-web-server")
        },
    },
    open: &[],
};

/// How far the peer goes: as it does unless told otherwise, and with everything that it has.
const PEER: &[(&str, &[&str])] = &[
    ("`shh`", &[]),
    ("`shh`, all options", &["--mode", "aggressive", "--filesystem-whitelisting", "--network-firewalling"]),
];

/// The drop-in of one of them for one service, and how it stands on each version.
struct Compared {
    here: Standing,
    newer: Standing,
    older: Standing,
}

impl Compared {
    fn of(service: &Service, drop_in: &str) -> Self {
        let [here, newer, older] = [HERE, NEWER, OLDER].map(|version| service.verified(version, Some(drop_in)));
        Self { here, newer, older }
    }

    /// Its row; the time is of one run.
    fn tell(&self, table: &mut Table, service: &Service, by: &str, seconds: Option<f64>) {
        for standing in [&self.older, &self.here, &self.newer] {
            println!("{} {by}: does not stop {:?}, fails {:?}", service.name, standing.allowed, standing.failed);
        }
        let works = |standing: &Standing| if standing.failed.is_empty() { "yes" } else { "no" };
        let Self { here, newer, older } = self;
        let cells = [
            &format!("`{}`", service.name),
            by,
            &here.exposure,
            &here.refused.len().to_string(),
            &here.through.len().to_string(),
            &here.allowed.len().to_string(),
            works(older),
            works(here),
            works(newer),
        ];
        table.row(&cells, &[&seconds.map_or_else(String::new, |seconds| format!("{seconds:.0} s"))]);
    }
}

/// Hardens a service both ways, holds ours against the peer's, and the page against both.
#[track_caller]
fn compare(service: &Service) {
    let (mut table, mut less) = (Table::of(PAGE), Table::of(PAGE));
    let hardened = service.hardened();
    let ours = Compared::of(service, hardened.drop_in());
    Compared::of(service, "").tell(&mut table, service, "as it comes", None);
    ours.tell(&mut table, service, "`harden`", Some(hardened.seconds));
    for standing in [&ours.here, &ours.newer, &ours.older] {
        assert_eq!(standing.failed, [] as [String; 0], "{}", service.name);
    }
    for (by, options) in PEER {
        let derived = peer::derive(service, options);
        println!("{} {by}: {}", service.name, derived.wrong.as_deref().unwrap_or("nothing went wrong"));
        let Some(drop_in) = &derived.drop_in else {
            table.row(&[&format!("`{}`", service.name), by, "no result"], &[]);
            continue;
        };
        println!("{drop_in}");
        let theirs = Compared::of(service, drop_in);
        theirs.tell(&mut table, service, by, Some(derived.took.as_secs_f64()));
        let exposure = |standing: &Standing| standing.exposure.parse::<f64>().unwrap();
        assert!(exposure(&ours.here) < exposure(&theirs.here), "{} {by}", service.name);
        assert!(ours.here.refused.len() > theirs.here.refused.len(), "{} {by}", service.name);
        let alone: Vec<&str> =
            theirs.here.refused.iter().filter(|id| ours.here.through.contains(id)).map(String::as_str).collect();
        let alone = if alone.is_empty() { "nothing".to_owned() } else { format!("`{}`", alone.join("`, `")) };
        less.row(&[&format!("`{}`", service.name), by, &alone], &[]);
    }
    told(&[table, less]);
}

#[test]
fn nginx() {
    compare(&DEBIAN[0]);
}

#[test]
fn memcached() {
    compare(&DEBIAN[1]);
}

#[test]
fn lighttpd() {
    compare(&DEBIAN[2]);
}

#[test]
fn redis() {
    compare(&DEBIAN[3]);
}

#[test]
fn static_web_server() {
    compare(&STATIC_WEB_SERVER);
}
