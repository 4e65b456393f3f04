//! Steps of real intrusions, made of probes: what somebody does who has taken over a service.

/// What an intruder could do next.
#[derive(Debug)]
pub struct Scenario {
    /// Short name, unique: `cron-job`.
    pub id: &'static str,
    /// What is achieved, in words that follow "the intruder could": "leave a job for cron".
    pub story: &'static str,
    /// What it takes, one after the other; of each, any of these probes will do.
    pub steps: &'static [&'static [&'static str]],
}

const fn scenario(id: &'static str, story: &'static str, steps: &'static [&'static [&'static str]]) -> Scenario {
    Scenario { id, story, steps }
}

/// Where a file can be left that other programs of this machine find.
const SHARED_PLACES: &[&str] = &["write-tmp", "write-var-tmp", "write-shared-memory"];
/// Ways to run a program that was not there before.
const OWN_CODE: &[&str] = &["execute-own-file", "execute-memory-file", "load-own-library", "load-memory-file"];
/// Ways to give a file the rights of its owner.
const SET_UID: &[&str] = &[
    "set-uid-file",
    "set-uid-by-path",
    "set-uid-in-directory",
    "set-uid-with-flags",
    "set-uid-from-the-start",
    "set-uid-without-name",
    "set-uid-node",
];
/// Ways out of the machine.
const OUT: &[&str] = &["send-public", "send-public6", "send-dns"];

/// Every scenario.
pub static SCENARIOS: &[Scenario] = &[
    scenario("cron-job", "leave a job for cron, which outlives the service", &[&["write-cron", "write-crontabs"]]),
    scenario("unit", "leave a unit that the service manager starts at the next boot", &[&["write-units"]]),
    scenario("ssh-key", "add a key of its own, to log in with", &[&["write-ssh", "write-home"]]),
    scenario(
        "library",
        "have other programs load its code",
        &[&["write-libraries", "write-etc", "write-programs", "write-usr"]],
    ),
    scenario(
        "secrets",
        "read what other services keep to themselves",
        &[&[
            "read-state-of-another",
            "read-runtime-of-another",
            "read-secret",
            "read-host-key",
            "read-environment-of-another",
            "shared-memory",
        ]],
    ),
    scenario("container-engine", "ask the container engine for a root shell", &[&["connect-container-engine"]]),
    scenario("system-bus", "ask other services for something, over the system bus", &[&["connect-bus"]]),
    scenario("service-manager", "give orders to the service manager", &[&["connect-service-manager"]]),
    scenario("sniffing", "listen to the traffic of others", &[&["socket-packet", "socket-raw", "socket-raw6"]]),
    scenario("set-uid-shell", "leave a shell that runs as its owner", &[SHARED_PLACES, SET_UID]),
    scenario("stay-in-tmp", "stay in /tmp, to be started from there", &[SHARED_PLACES, &["execute-own-file"]]),
    scenario("cloud-metadata", "take the credentials that the cloud gives to this machine", &[&["send-metadata"]]),
    scenario(
        "memory-of-others",
        "search the memory of other processes",
        &[&["open-process-memory", "trace-any-process"]],
    ),
    scenario("reverse-shell", "open a shell that somebody outside types into", &[OUT, &["execute-shell"]]),
    scenario("download", "fetch a program and run it", &[OUT, OWN_CODE]),
    scenario("kernel-helper", "have the kernel run a program as root", &[&["tunable-proc"]]),
    scenario(
        "kernel-code",
        "run code in the kernel",
        &[&["load-module", "load-module-file", "replace-kernel", "replace-kernel-from-file", "device-mem"]],
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::probes;
    use std::collections::HashSet;

    #[test]
    fn every_scenario_is_made_of_probes() {
        let catalogue = probes();
        let mut seen = HashSet::new();
        for scenario in SCENARIOS {
            assert!(seen.insert(scenario.id), "{} twice", scenario.id);
            assert!(!scenario.steps.is_empty(), "{}", scenario.id);
            for step in scenario.steps {
                assert!(!step.is_empty(), "{}", scenario.id);
                for id in *step {
                    assert!(catalogue.iter().any(|probe| probe.id == *id), "{}: {id}", scenario.id);
                }
            }
        }
    }
}
