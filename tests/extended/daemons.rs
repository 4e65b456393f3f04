//! Units from Debian packages, as they are: `verify --unit` in a root file system that has them.

use crate::debian;
use crate::program::tool;
use serde_json::Value;
use std::fmt::Write;
use std::path::PathBuf;

/// A unit, and how it is seen to work.
struct Daemon {
    unit: &'static str,
    arguments: &'static [&'static str],
}

const fn daemon(unit: &'static str, arguments: &'static [&'static str]) -> Daemon {
    Daemon { unit, arguments }
}

/// What is in the root file system, and what is asked of it.
const DAEMONS: &[Daemon] = &[
    // It has no business with the clock here, so that `chronyd -x` is what can run: its options come from a file.
    daemon("chrony", &["--works", "run:/usr/bin/chronyc -n tracking"]),
    daemon("cron", &[]),
    daemon("dnsmasq", &["--ready", "tcp:127.0.0.1:53"]),
    daemon("haproxy", &[]),
    daemon("lighttpd", &["--ready", "tcp:127.0.0.1:80"]),
    daemon("memcached", &["--ready", "tcp:127.0.0.1:11211"]),
    daemon("mosquitto", &["--ready", "tcp:127.0.0.1:1883"]),
    daemon("nginx", &["--works", "http://127.0.0.1/"]),
    daemon("prometheus-node-exporter", &["--ready", "http://127.0.0.1:9100/"]),
    daemon("redis-server", &["--works", "run:/usr/bin/redis-cli ping"]),
    daemon("rsyslog", &[]),
    daemon("ssh", &["--ready", "tcp:127.0.0.1:22"]),
    daemon("systemd-networkd", &[]),
    daemon("systemd-timedated", &[]),
    daemon("tor@default", &["--ready", "tcp:127.0.0.1:9050"]),
    daemon("unbound", &["--ready", "tcp:127.0.0.1:53"]),
];

const PACKAGES: &str = "nginx-light,redis-server,redis-tools,memcached,unbound,dns-root-data,chrony,openssh-server,dnsmasq,\
                        haproxy,lighttpd,mosquitto,rsyslog,cron,tor,prometheus-node-exporter";

/// A root file system of Debian 12 with all of them.
fn image() -> PathBuf {
    let root = debian::root("daemons", "bookworm", PACKAGES);
    std::fs::write(root.join("etc/default/chrony"), "DAEMON_OPTS=\"-F 1 -x\"\n").unwrap();
    root
}

/// The IDs of the probes with a verdict, in lines.
fn ids(unit: &Value, verdict: &str) -> String {
    let probes = unit["probes"].as_array().unwrap().iter().filter(|probe| probe["verdict"] == verdict);
    let ids: Vec<&str> = probes.map(|probe| probe["id"].as_str().unwrap()).collect();
    let lines: Vec<String> = ids.chunks(6).map(|ids| ids.join(" ")).collect();
    lines.join("\n    ")
}

/// What each of them lets through was read and found right: what a unit claims against it is in the first list, what nothing
/// in it claims to stop in the second.
#[test]
fn units_of_debian_let_through_what_they_are_known_to_let_through() {
    let image = image();
    let mut told = String::new();
    for Daemon { unit, arguments } in DAEMONS {
        let mut verify = tool("verify");
        verify.args(["--quiet", "--format", "json", "--unit", unit]);
        let output = verify.args(*arguments).arg("--image").arg(&image).output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{unit}: {errors}"));
        let report = &report["units"][0];
        for work in report["works"].as_array().unwrap() {
            assert_eq!(work["ok"], true, "{unit}: {work:#}\n{:#}", report["explanation"]);
        }
        let refused = report["summary"]["refused"].as_u64().unwrap();
        let good = refused > 0 && report["summary"]["allowed"] == 0;
        assert_eq!(output.status.code(), Some(i32::from(!good)), "{unit}: {errors}");
        let through = match refused {
            0 => "everything".to_owned(),
            _ => ids(report, "unclaimed"),
        };
        writeln!(
            told,
            "{unit}\n  claimed and not stopped:\n    {}\n  unclaimed:\n    {through}",
            ids(report, "allowed")
        )
        .unwrap();
    }
    insta::assert_snapshot!(told);
}
